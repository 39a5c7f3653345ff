import { once } from 'node:events';
import { connect } from 'node:net';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { LockDashboardModule, type LockDashboardOptions } from 'nestjs-locker/dashboard';
import { LoopbackGuard } from '../../lib/monitoring/dashboard/loopback.guard.js';
import { type Platform, startHttpApp } from '../nest/fixtures/app.js';
import { afterTest, Deferred } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { routesOf } from './fixtures/routes.js';

const PLATFORMS: Platform[] = ['express', 'fastify'];

const start = (platform: Platform = 'express', options: LockDashboardOptions = {}) =>
  startHttpApp({ imports: [LockDashboardModule.forRoot(options)] }, platform);

@Injectable()
class Anybody implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** As a client writes it, whatever fetch would allow; tells the answer. */
async function sendRaw(url: string, head: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(`${head}\r\n\r\n`);
  let answer = '';
  for await (const chunk of socket) {
    answer += String(chunk);
    if (answer.includes('</html>') || answer.includes('statusCode')) break;
  }
  return answer;
}

const FORWARDED = [
  'X-Forwarded-For: 10.0.0.7',
  'X-Forwarded-Host: locks.example.com',
  'Forwarded: for=10.0.0.7',
  'Via: 1.1 proxy',
  'X-Real-IP: 10.0.0.7',
  'CF-Connecting-IP: 10.0.0.7',
];

describe.each(PLATFORMS)('without guards, on %s', (platform) => {
  it('a client on the same machine is served', async () => {
    const { url } = await start(platform);
    const { port } = new URL(url);
    const answer = await sendRaw(url, `GET /locks HTTP/1.1\r\nHost: localhost:${port}`);
    expect(answer).toContain('HTTP/1.1 200 ');
  });

  it('what came through a proxy is refused, and told why', async () => {
    const { url } = await start(platform);
    for (const header of FORWARDED) {
      const answer = await sendRaw(url, `GET /locks HTTP/1.1\r\nHost: localhost\r\n${header}`);
      expect([header, answer.slice(0, 13)]).toEqual([header, 'HTTP/1.1 403 ']);
      const name = header.split(':')[0]!.toLowerCase();
      expect(answer).toContain(`through a proxy (the header ${name})`);
      expect(answer).toContain('give LockDashboardModule guards');
    }
    const old = await sendRaw(url, 'GET /locks HTTP/1.0\r\nHost: localhost\r\nConnection: close');
    expect(old).toContain('through a proxy (HTTP/1.0)');
  });

  it('another host name is refused, to which a web site may have lent its own', async () => {
    const { url } = await start(platform);
    for (const host of [
      'evil.example.com',
      'localhost.example.com',
      '127.0.0.1.example.com',
      '10.0.0.7',
    ]) {
      const answer = await sendRaw(url, `GET /locks/api/store HTTP/1.1\r\nHost: ${host}:3000`);
      expect([host, answer.slice(0, 13)]).toEqual([host, 'HTTP/1.1 403 ']);
    }
    for (const host of ['127.0.0.1:3000', '[::1]', 'app.localhost']) {
      const answer = await sendRaw(url, `GET /locks HTTP/1.1\r\nHost: ${host}`);
      expect([host, answer.slice(0, 13)]).toEqual([host, 'HTTP/1.1 200 ']);
    }
  });

  it('with a guard, all of that is its business', async () => {
    const { url } = await start(platform, { guards: [Anybody] });
    const head = 'GET /locks HTTP/1.1\r\nHost: locks.example.com\r\nX-Forwarded-For: 10.0.0.7';
    expect(await sendRaw(url, head)).toContain('HTTP/1.1 200 ');
  });

  it('pages of other origins get no data', async () => {
    const module = LockDashboardModule.forRoot({ guards: [Anybody] });
    const { url } = await startHttpApp({ imports: [module] }, platform, (app) => app.enableCors());
    const data = routesOf(module).filter(
      ({ method, path }) => method === 'GET' && path.startsWith('/api/'),
    );
    expect(data.length).toBeGreaterThan(4);
    for (const { path } of data) {
      for (const site of ['cross-site', 'same-site']) {
        const answer = await fetch(`${url}/locks${path}`, { headers: { 'sec-fetch-site': site } });
        expect([path, site, answer.status]).toEqual([path, site, 403]);
      }
      // Over plain HTTP browsers leave that out, and tell the origin where it is another one.
      const status = async (origin: string) =>
        (await fetch(`${url}/locks${path}`, { headers: { origin } })).status;
      expect([path, await status('http://elsewhere.example')]).toEqual([path, 403]);
      expect([path, await status('null')]).toEqual([path, 403]);
      expect([path, await status(url)]).not.toEqual([path, 403]);
    }
  });
});

describe('the guard of a page without guards', () => {
  const ask = (remoteAddress: string | undefined): boolean => {
    const request = {
      socket: { remoteAddress },
      headers: { host: 'localhost' },
      httpVersion: '1.1',
    };
    const context = { switchToHttp: () => ({ getRequest: () => request }) };
    return new LoopbackGuard().canActivate(context as unknown as ExecutionContext);
  };

  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('serves %s', (address) => {
    expect(ask(address)).toBe(true);
  });

  it.each(['10.0.0.7', '::ffff:10.0.0.7', 'fe80::1', '1127.0.0.1', undefined])(
    'refuses %s',
    (address) => {
      expect(() => ask(address)).toThrow('served to clients on the same machine only');
    },
  );
});

const BAD: [string, string][] = [
  ['held?kind=mutex', '"kind" is "mutex", and not one of lock, semaphore'],
  ['held?limit=0', '"limit" is "0", and not a whole number from 1 to 500'],
  ['held?limit=1e3', '"limit" is "1e3"'],
  ['held?kind=lock&kind=semaphore', '"kind" is [Array]'],
  ['held?page=2', 'There is no "page"; there are kind, search, cursor, limit.'],
  [`held?search=${'x'.repeat(1025)}`, 'a text of up to 1024 characters'],
  ['name?kind=lock', '"name" is missing'],
  ['name?name=a', '"kind" is missing'],
  [`name?kind=lock&name=${'x'.repeat(4097)}`, '"name" is'],
  ['outcomes?job=a&state=done', 'one of unknown, running, processed'],
  ['events?limit=x', 'a whole number from 1 to 500'],
  ['overview?since=1', 'without a query'],
];

describe.each(PLATFORMS)('on %s', (platform) => {
  it('what cannot be asked is refused, and told what is wrong', async () => {
    const { url } = await start(platform);
    for (const [question, message] of BAD) {
      const answer = await fetch(`${url}/locks/api/${question}`);
      expect(await answer.json()).toEqual({
        statusCode: 400,
        message: expect.stringContaining(message),
      });
      expect(answer.status).toBe(400);
    }
  });

  it('any name can be asked for, and is told as it is', async () => {
    const { url, locks } = await start(platform);
    const names = [
      'a/b?c=d&e#f',
      'nul\0in',
      '%2F%00',
      '🔒 ключ',
      '<img src=x onerror=alert(1)>',
      '__proto__',
      '../..',
    ];
    for (const name of names) {
      const lock = await locks.acquire(name);
      afterTest(() => lock.release());
      const query = new URLSearchParams({ kind: 'lock', name }).toString();
      const answer = await (await fetch(`${url}/locks/api/name?${query}`)).json();
      expect(answer).toMatchObject({ name, holders: [{ pid: process.pid }] });
    }
  });
});

it('no answer has an owner in it', async () => {
  const module = LockDashboardModule.forRoot();
  const { url, locks, store } = await startHttpApp({ imports: [module] });
  const owners = new Set<string>();
  const acquire = store.acquire.bind(store);
  store.acquire = (request) => {
    owners.add(request.owner);
    return acquire(request);
  };
  const held = [await locks.acquire('invoice:42'), await locks.semaphore('authority', 2).acquire()];
  const waiting = locks.acquire('invoice:42');
  const end = new Deferred();
  const doing = locks.once('order:7', () => end.promise);
  await until(() => owners.size >= 3, { what: 'all have asked' });
  afterTest(async () => {
    end.resolve();
    await Promise.all([doing, ...held.map((lock) => lock.release())]);
    await (await waiting).release();
  });
  const queries: Record<string, string[]> = {
    '/api/name': [
      '?kind=lock&name=invoice:42',
      '?kind=semaphore&name=authority',
      '?kind=lock&name=order:7',
    ],
    '/api/outcomes': ['?job=order&state=running', '?job=order&state=unknown'],
  };
  for (const { method, path } of routesOf(module)) {
    if (method !== 'GET') continue;
    for (const query of queries[path] ?? ['']) {
      const answer = await fetch(`${url}/locks${path}${query}`);
      expect([path, answer.status]).toEqual([path, 200]);
      const text = await answer.text();
      expect([...owners].filter((owner) => text.includes(owner))).toEqual([]);
    }
  }
});
