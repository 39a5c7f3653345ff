// node bench/channels.mjs [--baseline <build of another version>/index.js]
//
// What the diagnostics channels cost: CPU time of locks of one process in memory, so that neither a server nor
// a network hides it, with nobody listening and with listeners on all channels. Rounds of all variants take
// turns, and each ratio is the median of those of neighbouring rounds.
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import 'reflect-metadata';

const ROUNDS = 41;
const LOCKS_A_ROUND = 10_000;

const { values } = parseArgs({ options: { baseline: { type: 'string' } } });

const serviceOf = async (library) => {
  const { LockModule, LockService } = await import(library);
  const { NestFactory } = await import('@nestjs/core');
  class BenchModule {}
  const app = await NestFactory.createApplicationContext(
    { module: BenchModule, imports: [LockModule.forRoot({ store: 'memory' })] },
    { logger: ['error'] },
  );
  return app.get(LockService);
};

const ours = new URL('../dist/esm/index.js', import.meta.url).href;
const { lockChannels } = await import(ours);
const ignore = () => undefined;
const all = { start: ignore, end: ignore, asyncStart: ignore, asyncEnd: ignore, error: ignore };
const traced = Object.values(lockChannels).filter((channel) => 'start' in channel);

const locks = await serviceOf(ours);
const variants = {
  unheard: { locks, before: ignore, after: ignore },
  heard: {
    locks,
    before: () => traced.forEach((channel) => channel.subscribe(all)),
    after: () => traced.forEach((channel) => channel.unsubscribe(all)),
  },
};
if (values.baseline) {
  const other = await serviceOf(pathToFileURL(values.baseline).href);
  variants.baseline = { locks: other, before: ignore, after: ignore };
}

const round = async ({ locks: service, before, after }) => {
  before();
  const startedAt = process.cpuUsage();
  for (let i = 0; i < LOCKS_A_ROUND; i++) {
    const lock = await service.acquire('a');
    await lock.release();
  }
  const { user, system } = process.cpuUsage(startedAt);
  after();
  return (user + system) / LOCKS_A_ROUND;
};

const times = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
for (let i = -5; i < ROUNDS; i++) {
  const turn = Object.entries(variants);
  if (i % 2) turn.reverse();
  for (const [name, variant] of turn) {
    const time = await round(variant);
    if (i >= 0) times[name].push(time); // after the code is compiled
  }
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const { unheard } = times;
for (const [name, each] of Object.entries(times)) {
  const ratio = median(each.map((time, i) => time / unheard[i]));
  console.log(
    `${name.padEnd(9)} ${median(each).toFixed(2)} µs a lock, ${ratio.toFixed(3)} × unheard`,
  );
}
