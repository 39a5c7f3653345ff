import { describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  Scope,
  VersioningType,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { LockModule, LockService } from 'nestjs-locker';
import {
  LockDashboardModule,
  type LockDashboardOptions as DashboardOptions,
} from 'nestjs-locker/dashboard';
import { TestLockStore } from 'nestjs-locker/testing';
import { map } from 'rxjs';
import { type Platform, startHttpApp } from '../nest/fixtures/app.js';
import { afterTest } from '../support/lock-service.js';
import { routesOf } from './fixtures/routes.js';

const PLATFORMS: Platform[] = ['express', 'fastify'];

@Injectable()
class Nobody implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable({ scope: Scope.REQUEST })
class EachRequest implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Injectable()
class Wrapping implements NestInterceptor {
  intercept(_: unknown, next: CallHandler) {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

const prefixed = (app: INestApplication): void => {
  app.setGlobalPrefix('api/internal');
  app.enableVersioning({ type: VersioningType.URI, defaultVersion: '3' });
};

const start = (platform: Platform, options: DashboardOptions = {}, prepare?: typeof prefixed) =>
  startHttpApp({ imports: [LockDashboardModule.forRoot(options)] }, platform, prepare);

const PLACES: [string, DashboardOptions, typeof prefixed | undefined, string][] = [
  ['alone', {}, undefined, '/locks'],
  ['with a path', { path: '/ops/locks/' }, undefined, '/ops/locks'],
  ['under a global prefix and versioning', {}, prefixed, '/api/internal/locks'],
  ['with a version', { version: '1' }, prefixed, '/api/internal/v1/locks'],
];

describe.each(PLATFORMS)('on %s', (platform) => {
  it.each(PLACES)('the page stands %s', async (_, options, prepare, path) => {
    const { url } = await start(platform, options, prepare);
    for (const address of [`${url}${path}`, `${url}${path}/`, `${url}${path}?from=mail`]) {
      const page = await fetch(address);
      expect([address, page.status]).toEqual([address, 200]);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      const found = [...(await page.text()).matchAll(/(?:href|src)="([^"]+)"/g)];
      expect(found).toHaveLength(3);
      for (const [, link] of found) {
        const file = await fetch(new URL(link!, address));
        expect([link, file.status]).toEqual([link, 200]);
      }
    }
    const store = await fetch(`${url}${path}/api/store`);
    expect(await store.json()).toMatchObject({ isReachable: true, isReadOnly: true });
  });

  it('every module of the page finds the others', async () => {
    const { url } = await start(platform);
    const seen = new Set<string>();
    const load = async (address: string): Promise<void> => {
      if (seen.has(address)) return;
      seen.add(address);
      const file = await fetch(address);
      expect([address, file.status]).toEqual([address, 200]);
      expect(file.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      const text = await file.text();
      for (const [, link] of text.matchAll(/from '(\.[^']+)'/g))
        await load(new URL(link!, address).href);
    };
    await load(`${url}/locks/app.js`);
    const scripts = routesOf(LockDashboardModule.forRoot()).filter(({ path }) =>
      path.endsWith('.js'),
    );
    expect(seen.size).toBe(scripts.length);
  });

  it('everything is sent with headers that let nothing else in', async () => {
    const module = LockDashboardModule.forRoot();
    const { url } = await startHttpApp({ imports: [module] }, platform);
    for (const { method, path } of routesOf(module)) {
      const { headers } = await fetch(`${url}/locks${path}`, { method });
      const policy = headers.get('content-security-policy');
      expect([path, policy]).toEqual([path, expect.stringContaining("default-src 'none'")]);
      expect(policy).not.toContain('unsafe');
      expect(policy).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      const isData = path.startsWith('/api/');
      expect([path, headers.get('cache-control')]).toEqual([
        path,
        isData ? 'no-store' : 'no-cache',
      ]);
    }
  });

  const DENIALS: [string, (module: DashboardOptions) => Parameters<typeof startHttpApp>[0]][] = [
    [
      'a guard of its own',
      () => ({ imports: [LockDashboardModule.forRoot({ guards: [Nobody] })] }),
    ],
    [
      'a guard of the application',
      () => ({
        imports: [LockDashboardModule.forRoot()],
        providers: [{ provide: APP_GUARD, useClass: Nobody }],
      }),
    ],
  ];
  it.each(DENIALS)('%s refuses every asset and route', async (_, metadata) => {
    const { url } = await startHttpApp(metadata({}), platform, prefixed);
    const routes = routesOf(LockDashboardModule.forRoot());
    expect(routes.length).toBeGreaterThan(15);
    for (const { method, path } of routes) {
      const { status } = await fetch(`${url}/api/internal/locks${path}`, {
        method,
        headers: { 'sec-fetch-site': 'same-origin' },
      });
      expect([method, path, status]).toEqual([method, path, 403]);
    }
  });

  it('interceptors of the application change nothing', async () => {
    const { url } = await startHttpApp(
      {
        imports: [LockDashboardModule.forRoot()],
        providers: [{ provide: APP_INTERCEPTOR, useClass: Wrapping }],
      },
      platform,
    );
    expect(await (await fetch(`${url}/locks`)).text()).toContain('<!doctype html>');
    expect(await (await fetch(`${url}/locks/api/store`)).json()).toHaveProperty('isReachable');
  });
});

it('a path that asks for markup gets none', async () => {
  const { url } = await start('express', {}, (app) => {
    app.use((request: { originalUrl: string }, _: unknown, next: () => void) => {
      request.originalUrl = '/x/"><img src=x onerror=alert(1)>';
      next();
    });
  });
  const page = await (await fetch(`${url}/locks`)).text();
  expect(page).toContain('&quot;&gt;&lt;img');
  expect(page).not.toContain('<img');
});

it.each([
  ['', {}],
  [', and has a guard for each request', { guards: [EachRequest] }],
])('Fastify that ignores trailing slashes itself%s starts, and serves both', async (_, options) => {
  const module = await Test.createTestingModule({
    imports: [
      LockModule.forRoot({ store: new TestLockStore() }),
      LockDashboardModule.forRoot(options),
    ],
  }).compile();
  const adapter = new FastifyAdapter({ ignoreTrailingSlash: true } as object);
  const app = module.createNestApplication(adapter, { logger: false });
  afterTest(() => app.close());
  await app.listen(0, '127.0.0.1');
  for (const path of ['/locks', '/locks/']) {
    expect((await fetch(`${await app.getUrl()}${path}`)).status).toBe(200);
  }
});

it.each(PLATFORMS)(
  'several stand side by side where %s tells modules apart by what is in them',
  async (platform) => {
    const module = await Test.createTestingModule(
      {
        imports: [
          LockModule.forRoot({ store: new TestLockStore() }),
          LockDashboardModule.forRoot(),
          LockDashboardModule.forRoot({ path: 'closed', guards: [Nobody] }),
        ],
      },
      { moduleIdGeneratorAlgorithm: 'deep-hash' },
    ).compile();
    const app =
      platform === 'express'
        ? module.createNestApplication({ logger: false })
        : module.createNestApplication(new FastifyAdapter(), { logger: false });
    afterTest(() => app.close());
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    expect((await fetch(`${url}/locks`)).status).toBe(200);
    expect((await fetch(`${url}/closed`)).status).toBe(403);
  },
);

it('several stand side by side, each with its own locks and options', async () => {
  const { url, app } = await startHttpApp({
    imports: [
      LockModule.forRoot({ store: new TestLockStore(), name: 'billing', service: 'of-billing' }),
      LockDashboardModule.forRoot({ title: 'one' }),
      LockDashboardModule.forRootAsync({
        path: 'billing-locks',
        using: 'billing',
        inject: [LockService],
        useFactory: (locks: LockService) => ({ readOnly: false, title: locks.constructor.name }),
      }),
    ],
  });
  const locks = app.get<LockService>('LockService:billing');
  const lock = await locks.acquire('invoice:42');
  afterTest(() => lock.release());
  const look = async (path: string): Promise<unknown> =>
    (await fetch(`${url}/${path}/api/name?kind=lock&name=invoice:42`)).json();
  expect(await look('locks')).toMatchObject({ title: 'one', isReadOnly: true, holders: [] });
  expect(await look('billing-locks')).toMatchObject({
    title: 'LockService',
    isReadOnly: false,
    holders: [{ service: 'of-billing' }],
  });
});
