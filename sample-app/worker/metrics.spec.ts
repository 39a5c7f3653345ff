import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { monitoringFile, Prometheus } from '../../test/support/prometheus.js';
import { RedisServer } from '../../test/support/redis-server.js';
import { until } from '../../test/support/until.js';
import { AuthorityModule } from '../authority/authority.module.ts';

const INVOICES = 12;
const FILE = fileURLToPath(new URL('../data/invoices.csv', import.meta.url));

let redis: RedisServer;
let prometheus: Prometheus;
const apps: INestApplication[] = [];

async function listen(module: Type): Promise<string> {
  const app = await NestFactory.create(module, { logger: ['error'], forceCloseConnections: true });
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return `127.0.0.1:${((app.getHttpServer() as Server).address() as AddressInfo).port}`;
}

beforeAll(async () => {
  redis = await RedisServer.start();
  const authority = await listen(AuthorityModule);
  Object.assign(process.env, {
    REDIS_URL: redis.url,
    TAX_AUTHORITY_URL: `http://${authority}`,
    INVOICES_FILE: FILE,
    INVOICES: String(INVOICES),
  });
  // Its settings are those of the environment when it is loaded.
  const { WorkerModule } = await import('./worker.module.ts');
  prometheus = await Prometheus.start(await listen(WorkerModule));
}, 120_000);

afterAll(async () => {
  await prometheus?.stop();
  for (const app of apps.reverse()) await app.close();
  await redis?.stop();
});

/** The sum of a counter's series with these labels. */
async function countOf(series: string): Promise<number> {
  const [sum] = await prometheus.query(`sum(nestjs_locker_${series})`);
  return sum?.value ?? 0;
}

it('a Prometheus that scrapes a replica sees each invoice issued once', async () => {
  const isIssued = async () => (await countOf('once_total{result="executed"}')) === INVOICES;
  await until(isIssued, { what: 'all are issued', timeoutMs: 60_000 });
  const granted = 'acquire_duration_seconds_count{lock="invoice",result="granted"';
  expect(await countOf(`${granted},mode="exclusive"}`)).toBe(INVOICES);
  expect(await countOf(`${granted},mode="permit"}`)).toBe(INVOICES);
  expect(await countOf('hold_duration_seconds_count{mode="exclusive",result="released"}')).toBe(
    INVOICES,
  );
  expect(await countOf('lost_total')).toBe(0);
  expect(await prometheus.alerts()).toEqual([]);
}, 90_000);

it('and can draw the panels of the dashboard', async () => {
  const { panels } = JSON.parse(readFileSync(monitoringFile('grafana-dashboard.json'), 'utf8')) as {
    panels: { targets?: { expr: string }[] }[];
  };
  const expressions = panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$lock', '.*'));
  const drawn = async () => {
    const answers = await Promise.all(expressions.map((expr) => prometheus.query(expr)));
    return answers.filter((series) => series.length > 0).length;
  };
  // Nobody waited, was lost or failed in so short a run; and a rate needs two scrapes.
  const isDrawn = async () => (await drawn()) >= 8;
  await until(isDrawn, { what: 'it is drawn', timeoutMs: 20_000 });
  expect(await drawn()).toBeGreaterThanOrEqual(8);
});
