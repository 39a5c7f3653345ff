// npm run load: holds many locks and takes others at a steady rate, and fails if memory goes on growing.
import 'reflect-metadata';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { type Lock, LockModule, LockService } from 'nestjs-locker';
import { RedisServer } from '../../support/redis-server.js';
import { writeInto } from '../../../scripts/write-into.mjs';
import { flatnessOf } from './flatness.js';
import { Pace } from './pace.js';
import { renderLoad } from './render-load.js';
import { type Sample, Sampler } from './sampler.js';

const USAGE = `npm run load -- [options]

  --held <n>       how many locks are held all the time; default: 50000
  --rate <n>       how many others are taken and given back in a second; default: 1000
  --seconds <n>    for how long; default: 600
  --write          puts the table into docs/evidence.md
`;

const { values } = parseArgs({
  options: {
    held: { type: 'string', default: '50000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '600' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** By what share each may have grown. What the process has of the system is up to V8 and malloc, too. */
const TOLERANCES = { heap: 0.05, rss: 0.15, server: 0.05 };

class LoadModule {}

/** In portions, so that no answer has to wait for thousands of others. */
async function inPortions<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += 500) {
    results.push(...(await Promise.all(items.slice(start, start + 500).map(task))));
  }
  return results;
}

async function main(): Promise<void> {
  const [held, rate, seconds] = [Number(values.held), Number(values.rate), Number(values.seconds)];
  const server = await RedisServer.start();
  const app = await NestFactory.createApplicationContext(
    { module: LoadModule, imports: [LockModule.forRoot({ redis: server.url })] },
    { logger: ['error', 'warn'] },
  );
  const locks = app.get(LockService);
  let lost = 0;
  locks.events$.subscribe(({ type }) => (lost += type === 'lost' ? 1 : 0));

  const names = Array.from({ length: held }, (_, i) => `held:${i}`);
  const all: Lock[] = await inPortions(names, (name) => locks.acquire(name));
  const pace = new Pace(locks, rate);
  const sampler = new Sampler(server, pace);
  const samples: Sample[] = [];
  const everyMs = Math.min(10_000, (seconds * 1000) / 20);
  const begin = performance.now();
  pace.start();
  for (let next = begin + everyMs; next <= begin + seconds * 1000 + 1; next += everyMs) {
    await sleep(Math.max(0, next - performance.now()));
    const sample = await sampler.take((performance.now() - begin) / 1000);
    samples.push(sample);
    console.error(JSON.stringify(sample));
  }
  await pace.stop();

  const stillHeld = all.filter((lock) => lock.isHeld).length;
  const flatness = {
    heap: flatnessOf(
      samples.map(({ heap }) => heap),
      TOLERANCES.heap,
    ),
    rss: flatnessOf(
      samples.map(({ rss }) => rss),
      TOLERANCES.rss,
    ),
    server: flatnessOf(
      samples.map(({ server: bytes }) => bytes),
      TOLERANCES.server,
    ),
  };
  await inPortions(all, (lock) => lock.release());
  await app.close();
  const direct = server.client();
  const left = (await direct.keys('lock:*:lease:*')).length;
  await server.stop();

  const result = {
    held,
    rate,
    seconds,
    samples,
    flatness,
    lost,
    stillHeld,
    left,
    failures: pace.failures,
  };
  const markdown = renderLoad(result);
  if (values.write) {
    await writeInto(new URL('../../../docs/evidence.md', import.meta.url), 'load', markdown);
  }
  console.log(markdown);
  const isFlat = Object.values(flatness).every((each) => each.isFlat);
  if (!isFlat || lost > 0 || stillHeld < held || left > 0 || pace.failures.size > 0)
    process.exitCode = 1;
}

if (values.help) console.log(USAGE);
else await main();
process.exit();
