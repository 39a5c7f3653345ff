import { describe, expect, it } from '@jest/globals';
import { HttpPeer } from '../../../test/nest/fixtures/http-peer.js';
import { errorOf, lockService, watch } from '../../../test/support/lock-service.js';
import { until } from '../../../test/support/until.js';
import {
  LockLostError,
  LockOptionsError,
  LockReleasedError,
  StaleFencingTokenError,
} from '../../lock.errors.js';
import { TestLockStore } from '../../testing/test-lock.store.js';
import type { FencedBy } from '../fencing-token.js';
import { fencedFetch } from './fenced-fetch.js';

async function start() {
  const store = new TestLockStore();
  const locks = await lockService({ store });
  return { store, locks, peer: await HttpPeer.start(), lock: await locks.acquire('invoice:42') };
}

const STALE = { code: 'LOCK_STALE_FENCING_TOKEN' };

describe('a fenced fetch', () => {
  it('sends the token of the lock', async () => {
    const { peer, lock } = await start();
    const response = await fencedFetch(lock, `${peer.url}/invoices/42`);
    expect(await response.text()).toBe('done');
    expect(peer.received).toMatchObject([{ method: 'GET', path: '/invoices/42' }]);
    expect(peer.tokens).toEqual([String(lock.fencingToken)]);
  });

  it('sends a token that came from elsewhere', async () => {
    const { peer } = await start();
    await fencedFetch(1_790_000_000_000_123, peer.url);
    expect(peer.tokens).toEqual(['1790000000000123']);
  });

  it('takes what fetch takes', async () => {
    const { peer } = await start();
    const body = 'body';
    const headers = { 'X-Other': 'kept' };
    const url = `${peer.url}/path?query`;
    const request = () => new Request(url, { method: 'PUT', headers, body });
    const calls: [string | URL | Request, RequestInit?][] = [
      [url, { method: 'PUT', headers, body }],
      [new URL(url), { method: 'PUT', headers: Object.entries(headers), body }],
      [url, { method: 'PUT', headers: new Headers(headers), body }],
      [url, { method: 'PUT', headers, body: new Blob([body]).stream(), duplex: 'half' }],
      [request()],
      [request(), { headers: { 'X-Other': 'kept' } }],
      [url, request()],
    ];
    for (const [input, init] of calls) await fencedFetch(7, input, init);
    expect(peer.received).toHaveLength(calls.length);
    for (const received of peer.received) {
      expect(received).toMatchObject({ method: 'PUT', path: '/path?query', body });
      expect(received.headers).toMatchObject({ 'x-other': 'kept', 'fencing-token': '7' });
    }
  });

  it('leaves what it was given as it was', async () => {
    const { peer } = await start();
    const headers = new Headers();
    await fencedFetch(7, peer.url, { headers });
    expect([...headers]).toEqual([]);
  });

  it.each([
    ['a URL and its headers', (url: string) => [url, { headers: { 'fencing-token': '8' } }]],
    ['a Request', (url: string) => [new Request(url, { headers: [['Fencing-Token', '8']] })]],
  ] as const)('refuses another token in %s', async (_what, call) => {
    const { peer } = await start();
    const request = () => call(peer.url) as [string | Request, RequestInit?];
    await expect(fencedFetch(7, ...request())).rejects.toThrow(LockOptionsError);
    expect(peer.received).toEqual([]);
    await fencedFetch(8, ...request()); // the same
    expect(peer.tokens).toEqual(['8']);
  });

  it('sends nothing without the lock', async () => {
    const { peer, lock, locks, store } = await start();
    await store.forceLose('invoice:42');
    await expect(fencedFetch(lock, peer.url)).rejects.toThrow(LockLostError);
    const other = await locks.acquire('invoice:43');
    await other.release();
    const request = new Request(peer.url, { method: 'POST', body: 'body' });
    await expect(fencedFetch(other, request)).rejects.toThrow(LockReleasedError);
    expect(request.bodyUsed).toBe(false);
    expect(peer.received).toEqual([]);
  });

  it('asks for the token that is meant, of several names', async () => {
    const { peer, locks } = await start();
    const lock = await locks.acquire(['account:1', 'account:2']);
    await expect(fencedFetch(lock, peer.url)).rejects.toThrow(
      /"account:1, account:2" .* lock.fencingTokens.get\(name\)/,
    );
    await fencedFetch(lock.fencingTokens.get('account:2')!, peer.url);
    expect(peer.tokens).toEqual([String(lock.fencingTokens.get('account:2'))]);
  });

  it.each([undefined, null, '7', 0, {}])('refuses to be fenced by %p', async (by) => {
    const { peer } = await start();
    const refused = fencedFetch(by as unknown as FencedBy, peer.url);
    await expect(refused).rejects.toThrow(LockOptionsError);
    expect(peer.received).toEqual([]);
  });
});

describe('a fenced fetch under way', () => {
  /** One that has arrived and gets no answer. */
  async function underWay(init?: RequestInit, wrap = (url: string): string | Request => url) {
    const started = await start();
    const { peer, lock } = started;
    peer.answer = () => undefined;
    const call = watch(fencedFetch(lock, wrap(peer.url), init));
    await until(() => peer.received.length === 1, { what: 'the request has arrived' });
    return { ...started, call };
  }
  const ended = (call: { settled: boolean }) => until(() => call.settled, { what: 'it ends' });

  it('ends when the lock is lost', async () => {
    const { store, lock, call, peer } = await underWay();
    globalThis.gc!(); // of the joined signal, nobody else has a hold
    await store.forceLose('invoice:42');
    await ended(call);
    expect(call.error).toBeInstanceOf(LockLostError);
    expect(call.error).toBe(lock.signal.reason);
    await until(() => peer.received[0]!.aborted, { what: 'the connection is closed' });
  });

  it("ends when the caller's signal says so", async () => {
    const controller = new AbortController();
    const { lock, call } = await underWay({ signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await ended(call);
    expect(call.error).toBe(reason);
    expect(lock.signal.aborted).toBe(false);
  });

  it("ends when the Request's signal says so", async () => {
    const controller = new AbortController();
    const { call } = await underWay(
      undefined,
      (url) => new Request(url, { signal: controller.signal }),
    );
    controller.abort(new Error('enough'));
    await ended(call);
    expect(call.error).toEqual(new Error('enough'));
  });

  it('ends for the same reason while the body is read', async () => {
    const { store, lock, peer } = await start();
    peer.answer = (response) => response.write('the first half');
    const response = await fencedFetch(lock, peer.url);
    const body = watch(response.text());
    globalThis.gc!();
    await store.forceLose('invoice:42');
    await ended(body);
    expect(body.error).toBe(lock.signal.reason);
  });

  it('goes on if it was given a token alone', async () => {
    const { store, lock, peer } = await start();
    let finish!: () => void;
    peer.answer = (response) => (finish = () => void response.end('done'));
    const call = watch(fencedFetch(lock.fencingToken, peer.url));
    await until(() => peer.received.length === 1, { what: 'the request has arrived' });
    await store.forceLose('invoice:42');
    expect(lock.signal.aborted).toBe(true);
    finish();
    await ended(call);
    expect(await call.value?.text()).toBe('done');
  });
});

describe('the answer to a fenced fetch', () => {
  it.each([
    'application/problem+json',
    'Application/Problem+JSON; charset=utf-8',
    'application/json',
  ])('is an error if the token is stale: %s', async (type) => {
    const { peer } = await start();
    peer.answerProblem(412, STALE, type);
    const url = `${peer.url}/invoices/42?signature=secret#part`;
    const error = await errorOf(fencedFetch(7, url, { method: 'PUT' }));
    expect(error).toBeInstanceOf(StaleFencingTokenError);
    const resource = `${peer.url}/invoices/42`;
    expect(error).toMatchObject({ resource, fencingToken: 7, newestToken: null });
    expect(String(error)).not.toContain('secret');
  });

  it('tells the newest token if the server does', async () => {
    const { peer } = await start();
    peer.answerProblem(412, { ...STALE, fencingToken: 7, newestToken: 9 });
    const request = new Request(peer.url);
    expect(await errorOf(fencedFetch(7, request))).toMatchObject({ newestToken: 9 });
  });

  it.each([
    ['another precondition', 412, { code: 'IF_MATCH' }, 'application/problem+json'],
    ['a 412 that is no JSON', 412, JSON.stringify(STALE), 'text/plain'],
    ['a 412 with broken JSON', 412, '{"code', 'application/problem+json'],
    ['a 412 with JSON that is no object', 412, 'null', 'application/json'],
    ['an empty 412', 412, '', 'application/problem+json'],
    ['another status', 409, STALE, 'application/problem+json'],
    [
      "the server's own stale token elsewhere",
      412,
      { ...STALE, fencingToken: 6 },
      'application/json',
    ],
  ])('is passed on, unread: %s', async (_what, status, body, type) => {
    const { peer } = await start();
    peer.answerProblem(status, body, type);
    const response = await fencedFetch(7, peer.url);
    expect(response.status).toBe(status);
    expect(response.bodyUsed).toBe(false);
    expect(await response.text()).toBe(typeof body === 'string' ? body : JSON.stringify(body));
  });
});
