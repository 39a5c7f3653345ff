import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LockDashboardModule } from 'nestjs-locker/dashboard';
import { routesOf } from '../dashboard/fixtures/routes.js';
import { type Platform, startHttpApp } from '../nest/fixtures/app.js';
import { anyText, longText, nastyText, runs } from './support/fuzzing.js';
import { headerValue, type RawAnswer, sendRaw } from './support/raw-http.js';

/** Shows in an answer of markup only if nobody escaped it. */
const MARKUP = '"\'><img src=x onerror=alert(1)>';
const KEYS = [
  'name',
  'kind',
  'search',
  'cursor',
  'limit',
  'job',
  'state',
  'fencingToken',
  'typed',
  'decision',
  'retention',
];
const VALUES = [
  'lock',
  'semaphore',
  'unknown',
  'processed',
  'retry',
  'for ever',
  '1',
  '0',
  '-1',
  '500',
  '9007199254740993',
  '1e3',
  MARKUP,
];

const text = fc.oneof(fc.constantFrom(...VALUES), nastyText(), anyText());
const key = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...KEYS) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '__proto__',
      'constructor',
      'name[]',
      'name[a][b]',
      'name.x',
      MARKUP,
    ),
  },
);

/** As a browser writes it, or as nobody should. */
const written = text.map((value) =>
  value.length % 3 === 0 ? rawPart(value) : encodeURIComponent(Buffer.from(value).toString()),
);
const query = fc
  .array(fc.tuple(key, written), { maxLength: 4 })
  .map((pairs) => pairs.map(([name, value]) => `${encodeURIComponent(name)}=${value}`).join('&'));
const tail = fc.oneof(
  { weight: 5, arbitrary: query.map((asked) => (asked ? `?${asked}` : '')) },
  { weight: 1, arbitrary: text.map((value) => `/${rawPart(value)}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/',
      '//',
      '/..%2f..%2fpackage.json',
      '/%zz',
      '/%00',
      '?',
      '?&=&',
      '?%zz=%',
      ';x=1',
      `?${'a=1&'.repeat(2_000)}`,
    ),
  },
);
const headers = fc.array(
  fc.oneof(
    fc.tuple(
      fc.constantFrom(
        'Sec-Fetch-Site',
        'Origin',
        'Referer',
        'X-Forwarded-For',
        'X-Forwarded-Prefix',
        'X-Original-URL',
        'Accept',
        'Accept-Encoding',
        'Cookie',
        'Range',
        'If-None-Match',
      ),
      text.map(headerValue),
    ),
    fc.constantFrom<[string, string]>(
      ['Sec-Fetch-Site', 'cross-site'],
      ['Accept', 'text/html'],
      ['Content-Encoding', 'gzip'],
    ),
  ),
  { maxLength: 3 },
);
const body = fc.oneof(
  fc
    .dictionary(
      key,
      fc.oneof(text, fc.integer(), fc.constantFrom<unknown>(null, true, [], {}, 1e308)),
    )
    .map((value) => JSON.stringify(value)),
  fc.json(),
  nastyText(),
  longText,
  fc.constantFrom(
    '',
    '{',
    '[]',
    'null',
    '{"__proto__":{"name":"a"}}',
    '{"constructor":{"prototype":{}}}',
    '\ufeff{}',
    '['.repeat(50_000),
  ),
);
const type = fc.constantFrom(
  'application/json',
  'application/json; charset=utf-7',
  'application/x-www-form-urlencoded',
  'text/plain',
  'multipart/form-data; boundary=a',
  '',
  MARKUP,
);

/** What may stand in a request line: the server answers others before the application sees them. */
function rawPart(value: string): string {
  return headerValue(value).replace(/[\t #]/g, '+');
}

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'PROPFIND',
  'QUERY',
];
const routes = routesOf(LockDashboardModule.forRoot());

function check({ status, type: sent, body: told, head }: RawAnswer): void {
  expect(status).toBeGreaterThanOrEqual(200);
  expect(status).toBeLessThan(500);
  expect(told).not.toMatch(/\n\s+at .*[\\/]|node_modules|\.[jt]s:\d+/);
  expect(head).not.toContain('<img src=x');
  expect(sent.startsWith('application/json') ? '' : told).not.toContain('<img src=x');
}

describe.each<Platform>(['express', 'fastify'])(
  'a request of whatever kind to the page on %s',
  (platform) => {
    it('is answered without a fault, a stack or markup of its own', async () => {
      const imports = [LockDashboardModule.forRoot({ readOnly: false })];
      const { url, store, locks } = await startHttpApp({ imports }, platform);
      await store.busy(MARKUP);
      await using _held = await locks.acquire('invoice:42');
      const route = fc.oneof(
        {
          weight: 6,
          arbitrary: fc.constantFrom(...routes.filter(({ path }) => path.startsWith('/api/'))),
        },
        { weight: 1, arbitrary: fc.constantFrom(...routes) },
      );
      const method = fc.oneof(
        { weight: 5, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
      );
      const property = fc.asyncProperty(
        route,
        method,
        tail,
        headers,
        body,
        type,
        async (asked, other, rest, extra, sent, contentType) => {
          const verb = other ?? asked.method;
          const isPost = verb === 'POST';
          const lines = extra.map(([name, value]) => `${name}: ${value}`);
          // The proof that the page itself asks, without which no action is looked at.
          if (isPost && sent.length % 4 !== 0) lines.push('Sec-Fetch-Site: same-origin');
          if (isPost) lines.push(`Content-Type: ${contentType}`);
          check(
            await sendRaw(url, `${verb} /locks${asked.path}${rest}`, lines, isPost ? sent : ''),
          );
        },
      );
      await fc.assert(property, runs(400));
      const page = await sendRaw(url, 'GET /locks', []);
      expect([page.status, page.body]).toEqual([200, expect.stringContaining('<!doctype html>')]);
    });
  },
);
