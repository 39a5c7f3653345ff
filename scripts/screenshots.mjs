// npm run screenshots
//
// Takes the pictures of docs/images from a run: four applications on one Redis, and a browser that looks.
import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { chromium } from 'playwright-core';
import { LockModule, LockService } from '../dist/esm/index.js';
import { LockDashboardModule } from '../dist/esm/monitoring/dashboard/index.js';
import { CHROMIUM, findOrInstallServer } from './server-binary.mjs';

const RUN_MS = 60_000;
const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const redis = process.env.REDIS_URL;
const quiet = { logger: false };

class Dashboard {}
Module({
  imports: [
    LockModule.forRoot({ redis, service: 'operations', drainTimeout: 0 }),
    LockDashboardModule.forRoot({ title: 'production', readOnly: false, actor: () => 'kim' }),
  ],
})(Dashboard);

const open = async (service) => {
  const module = LockModule.forRoot({ redis, service, drainTimeout: 0 });
  const app = await NestFactory.createApplicationContext(module, quiet);
  return { app, locks: app.get(LockService) };
};

/** Ends by itself, with whatever it was waiting for. */
const isOver = new AbortController();
const repeatedly = async (work) => {
  while (!isOver.signal.aborted) await work().catch(() => undefined);
};
const pause = (ms) => sleep(ms, undefined, { signal: isOver.signal });
const random = (most) => Math.random() * most;

/** Invoices that are issued once, at most three at a time; some are met by two workers. */
const work = ({ locks }) =>
  repeatedly(async () => {
    const name = `invoice:INV-2026-${String(Math.floor(random(4_000))).padStart(6, '0')}`;
    await locks.once(name, async () => {
      await locks.withLock(`customer:${Math.floor(random(5))}`, () => pause(5 + random(60)));
      if (Math.random() < 0.03) {
        await locks
          .semaphore('tax-authority', 4)
          .withPermit(() => pause(3_000 + random(4_000)), {});
      }
    });
  });

const main = async () => {
  const page = await NestFactory.create(Dashboard, quiet);
  await page.listen(0, '127.0.0.1');
  const url = `${await page.getUrl()}/locks`;
  const fleet = await Promise.all(['billing', 'billing', 'reports'].map(open));
  const [billing, , reports] = fleet;

  const { locks } = reports;
  await locks.acquire('report:nightly', { wait: 0 });
  await locks.acquire('price-list', { mode: 'shared' });
  await locks.acquire('migration:2026-11');
  const authority = locks.semaphore('tax-authority', 4);
  for (let i = 0; i < 3; i++) await authority.acquire();
  for (const { locks: others } of fleet.slice(0, 2)) {
    others.acquire('migration:2026-11', { wait: Infinity }).catch(() => undefined);
  }
  const unclear = () => Promise.reject(new Error('no answer'));
  for (const id of ['009042', '009871']) {
    const options = { onUnknown: 'hold', unknownIf: () => true };
    await billing.locks.once(`invoice:INV-2026-${id}`, unclear, options).catch(() => undefined);
    await billing.locks.once(`invoice:INV-2026-${id}`, unclear, options).catch(() => undefined);
  }
  await billing.locks.acquire('import:customers');
  await locks.forceRelease('import:customers');
  const busy = fleet.slice(0, 2).flatMap((each) => [work(each), work(each), work(each)]);
  for (let i = 0; i < 6; i++) await locks.acquire(`archive:2026-${String(i + 1).padStart(2, '0')}`);

  // Curves begin when somebody looks.
  const looking = repeatedly(() => fetch(`${url}/api/overview`).then(() => pause(1_000)));
  await sleep(RUN_MS);

  const executablePath = findOrInstallServer(CHROMIUM);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const picture = async (file, view, { act, ...options }) => {
    const context = await browser.newContext({
      viewport: { width: 1200, height: 800 },
      ...options,
    });
    const shown = await context.newPage();
    await shown.goto(`${url}${view}`);
    // Until a second look has told how long leases last.
    await sleep(4_500);
    if (act) await act(shown);
    await shown.screenshot({ path: `${IMAGES}${file}.png` });
    await context.close();
  };
  const light = { colorScheme: 'light' };
  const dark = { colorScheme: 'dark' };
  const phone = { viewport: { width: 390, height: 780 } };
  const name = '#/name?kind=lock&name=migration%3A2026-11';
  await picture('dashboard-overview', '', { ...light, viewport: { width: 1200, height: 1000 } });
  await picture('dashboard-locks', '#/locks', dark);
  await picture('dashboard-phone', '#/locks', { ...light, ...phone });
  await picture('dashboard-release', name, {
    ...light,
    act: async (shown) => {
      await shown.getByRole('button', { name: 'Release by force …' }).click();
      await shown.getByRole('textbox').fill('migration:2026-11');
    },
  });
  await browser.close();

  isOver.abort();
  await Promise.all([looking, ...busy]);
  await Promise.all([page.close(), ...fleet.map(({ app }) => app.close())]);
};

await main();
