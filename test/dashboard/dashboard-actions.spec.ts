import { describe, expect, it } from '@jest/globals';
import type { AuditEntry } from 'nestjs-locker';
import { LockDashboardModule, type LockDashboardOptions } from 'nestjs-locker/dashboard';
import { type Platform, startHttpApp } from '../nest/fixtures/app.js';
import { afterTest } from '../support/lock-service.js';
import { routesOf } from './fixtures/routes.js';

const PLATFORMS: Platform[] = ['express', 'fastify'];
const KIM = { readOnly: false, actor: () => 'kim' };

interface Sent {
  readonly status: number;
  readonly body: { readonly message?: string };
}

async function start(options: LockDashboardOptions = KIM, platform: Platform = 'express') {
  const module = LockDashboardModule.forRoot(options);
  const started = await startHttpApp({ imports: [module] }, platform);
  const audited: AuditEntry[] = [];
  const { overview } = started.locks;
  const audit = overview.audit.bind(overview);
  overview.audit = (entry) => {
    audited.push(entry);
    return audit(entry);
  };
  const send = async (path: string, body: object, headers: object = {}): Promise<Sent> => {
    const answer = await fetch(`${started.url}/locks/api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Sent['body'] };
  };
  return { ...started, module, send, audited };
}

/** A lock that is given back after the test, and the order to release it by force. */
async function held({ locks }: Awaited<ReturnType<typeof start>>, name = 'invoice:42') {
  const lock = await locks.acquire(name);
  afterTest(() => lock.release().catch(() => undefined));
  return { lock, order: { name, kind: 'lock', fencingToken: lock.fencingToken, typed: name } };
}

describe.each(PLATFORMS)('on %s', (platform) => {
  it('a lock is released by force, and everybody is told by whom', async () => {
    const started = await start(KIM, platform);
    const { lock, order } = await held(started, 'a/b 🔒');
    expect(await started.send('force-release', order)).toMatchObject({ status: 200 });
    expect(lock.isHeld).toBe(false);
    expect(lock.signal.reason).toMatchObject({ reason: 'forced' });
    expect(started.audited).toEqual([
      {
        type: 'audit',
        name: 'a/b 🔒',
        actor: 'kim',
        text: expect.stringMatching(
          /^Released by force by kim; .* held it with fencing token \d+\.$/,
        ),
      },
    ]);
  });

  it('what is no order of the page itself is refused', async () => {
    const started = await start(KIM, platform);
    const { lock, order } = await held(started);
    const others: [object, string][] = [
      [{ 'sec-fetch-site': 'cross-site' }, 'Sec-Fetch-Site is "cross-site"'],
      [{ 'sec-fetch-site': 'same-site' }, 'Sec-Fetch-Site is "same-site"'],
      [{ 'sec-fetch-site': 'none' }, 'Sec-Fetch-Site is "none"'],
      [{ 'sec-fetch-site': '' }, 'Sec-Fetch-Site is'],
      [{ 'content-type': 'application/x-www-form-urlencoded' }, 'application/json'],
    ];
    for (const [headers, message] of others) {
      const { status, body } = await started.send('force-release', order, headers);
      expect([headers, status]).toEqual([headers, 403]);
      expect(body.message).toContain(message);
    }
    expect(lock.isHeld).toBe(true);
    expect(started.audited).toEqual([]);
  });
});

it('nothing can be done unless that is allowed', async () => {
  const started = await start({});
  const { lock, order } = await held(started);
  const posts = routesOf(started.module).filter(({ method }) => method !== 'GET');
  expect(posts.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /api/force-release',
    'POST /api/resolve',
  ]);
  for (const { path } of posts) {
    const { status, body } = await started.send(path.replace('/api/', ''), order);
    expect([path, status]).toEqual([path, 403]);
    expect(body.message).toContain('read-only');
  }
  expect(lock.isHeld).toBe(true);
});

it('only the lease that was looked at is released', async () => {
  const started = await start();
  const { lock, order } = await held(started);
  const { status } = await started.send('force-release', {
    ...order,
    fencingToken: order.fencingToken - 1,
  });
  expect(status).toBe(409);
  expect(lock.isHeld).toBe(true);
  expect(started.audited).toEqual([]);
});

it('the name has to be typed', async () => {
  const started = await start();
  const { lock, order } = await held(started);
  for (const typed of ['invoice:43', ' invoice:42', '']) {
    expect(await started.send('force-release', { ...order, typed })).toMatchObject({ status: 400 });
  }
  expect(lock.isHeld).toBe(true);
});

it('orders that are none are refused', async () => {
  const started = await start();
  const { order } = await held(started);
  const bad: object[] = [
    [order],
    { ...order, kind: 'mutex' },
    { ...order, name: 7 },
    { ...order, name: '\ud800' },
    { ...order, fencingToken: 1.5 },
    { ...order, fencingToken: undefined },
    { ...order, owner: 'x' },
  ];
  for (const each of bad) {
    expect([each, (await started.send('force-release', each)).status]).toEqual([each, 400]);
  }
});

it('a permit of a semaphore is released, and the others stay', async () => {
  const started = await start();
  const authority = started.locks.semaphore('authority', 2);
  const [one, other] = [await authority.acquire(), await authority.acquire()];
  afterTest(() => other.release());
  const { fencingToken } = one;
  const order = { name: 'authority', kind: 'semaphore', fencingToken, typed: 'authority' };
  expect(await started.send('force-release', order)).toMatchObject({ status: 200 });
  expect([one.isHeld, other.isHeld]).toEqual([false, true]);
});

describe('who does it', () => {
  it('is asked of the request', async () => {
    const actor = async (request: { headers?: Record<string, string> }) =>
      request.headers?.['x-user'];
    const started = await start({ readOnly: false, actor });
    const { order } = await held(started);
    const headers = { 'x-user': 'robin' };
    expect(await started.send('force-release', order, headers)).toMatchObject({ status: 200 });
    expect(started.audited).toMatchObject([{ actor: 'robin' }]);
  });

  it.each([
    ['gives nothing', () => undefined],
    ['gives no text', (() => 7) as never],
    [
      'throws',
      () => {
        throw new Error('no session');
      },
    ],
  ])('has to be known: an actor that %s refuses the action', async (_, actor) => {
    const started = await start({ readOnly: false, actor });
    const { lock, order } = await held(started);
    expect(await started.send('force-release', order)).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('not known who you are') },
    });
    expect(lock.isHeld).toBe(true);
  });

  it('is an address, where nothing else is known', async () => {
    const started = await start({ readOnly: false });
    const { order } = await held(started);
    await started.send('force-release', order);
    expect(started.audited).toMatchObject([{ actor: expect.stringMatching(/127\.0\.0\.1|::1/) }]);
  });
});

describe('an unknown outcome', () => {
  /** Begun, and failed in a way that leaves it open whether it is done. */
  async function unknown(started: Awaited<ReturnType<typeof start>>, name = 'order:7') {
    const { locks } = started;
    const fail = () => Promise.reject(new Error('no answer'));
    const doing = locks.once(name, fail, { onUnknown: 'hold', unknownIf: () => true });
    await doing.catch(() => undefined);
    const record = await locks.outcomes.of(name);
    return { name, fencingToken: record!.attempts.at(-1)!.fencingToken };
  }
  const stateOf = async ({ locks }: Awaited<ReturnType<typeof start>>) =>
    (await locks.outcomes.of('order:7'))?.state ?? 'open';

  it.each([
    ['processed', 'processed'],
    ['retry', 'open'],
  ])('is resolved as %s', async (decision, state) => {
    const started = await start();
    const order = await unknown(started);
    expect(await stateOf(started)).toBe('unknown');
    expect(await started.send('resolve', { ...order, decision })).toMatchObject({ status: 200 });
    expect(await stateOf(started)).toBe(state);
    expect(started.audited).toMatchObject([{ type: 'audit', name: 'order:7', actor: 'kim' }]);
  });

  it('is kept for as long as told', async () => {
    const started = await start();
    const order = { ...(await unknown(started)), decision: 'processed', retention: 'for ever' };
    expect(await started.send('resolve', order)).toMatchObject({ status: 200 });
    expect((await started.locks.outcomes.of('order:7'))!.expiresAt).toBeNull();
  });

  it('is not resolved if it is another attempt’s, or no decision', async () => {
    const started = await start();
    const order = { ...(await unknown(started)), decision: 'retry' };
    const stale = { ...order, fencingToken: order.fencingToken - 1 };
    expect(await started.send('resolve', stale)).toMatchObject({ status: 409 });
    for (const bad of [{ decision: 'forget' }, { decision: undefined }, { retention: 'soon' }]) {
      expect(await started.send('resolve', { ...order, ...bad })).toMatchObject({ status: 400 });
    }
    expect(await stateOf(started)).toBe('unknown');
  });
});
