import { setTimeout as sleep } from 'node:timers/promises';
import { countWithin } from '../support/command-counter.mjs';
import { now } from '../support/monotonic-clock.mjs';
import { sum } from '../support/statistics.mjs';
import { perSecond } from '../support/visits.mjs';

const TAKERS = 64;

function heapUsed() {
  // The second run frees what the finalizers of the first let go.
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Loads scripts and warms code up, so that only the locks are left to weigh. */
async function warmUp(locks) {
  for (let i = 0; i < 500; i++) await locks.release(await locks.acquire(`warm:${i}`));
}

async function holdAll(locks, names) {
  const held = [];
  const queue = names.values();
  const take = async () => {
    for (const name of queue) held.push(await locks.hold(name));
  };
  await Promise.all(Array.from({ length: TAKERS }, take));
  return held;
}

/** The names whose keys are still there; a SCAN passes over what has expired. */
async function countKept(client) {
  const kept = new Set();
  for await (const keys of client.scanStream({ match: '*held:*', count: 1_000 })) {
    for (const key of keys) kept.add(/held:\d+/.exec(key)[0]);
  }
  return kept.size;
}

export default {
  name: 'held-10000',
  title: 'one process holds 10,000 locks (quick: 2,000) with a ttl of 3 s for several of them',
  repetitions: 1,
  takesPart: ({ renews }) => !!renews,
  timesOf: ({ isQuick }) => ({
    ttlMs: 3_000,
    warmUpMs: 0,
    windowMs: isQuick ? 6_000 : 15_000,
    held: isQuick ? 2_000 : 10_000,
  }),
  async conduct({ server, startWorker, settings: { held, windowMs } }) {
    const worker = startWorker(0);
    await worker.told('ready');
    worker.tell('begin', { window: { held } });
    await worker.told('taken');
    const from = now();
    const window = { from, to: from + windowMs };
    worker.tell('watch', { window });
    const reports = [await worker.told('report')];
    return { window, reports, lostInRedis: held - (await countKept(server.client)) };
  },
  async work({ locks, window: { held: count }, tell, told }) {
    const names = Array.from({ length: count }, (_, i) => `held:${i}`);
    await warmUp(locks);
    const before = heapUsed();
    const held = await holdAll(locks, names);

    const watch = told('watch');
    tell('taken');
    const { window } = await watch;
    countWithin(window);
    await sleep(window.to - now());
    const lost = held.filter((each) => locks.isLost(each)).length;
    return { lost, heapEach: (heapUsed() - before) / count };
  },
  summarize: ({ reports: [{ lost, heapEach, commands }], window, lostInRedis }) => ({
    lost: [Math.max(lost, lostInRedis)],
    commandsPerSecond: perSecond(commands, window),
    heapEach: heapEach / 1024,
  }),
  columns: [
    { head: 'lost', value: ({ lost }) => sum(lost) },
    { head: 'commands/s', value: ({ commandsPerSecond }) => commandsPerSecond },
    { head: 'heap a lock, KiB', value: ({ heapEach }) => heapEach, digits: 2 },
  ],
  targets: [
    { text: 'lost', measure: ({ ours }) => sum(ours.lost), atMost: 0 },
    { text: 'commands/s', measure: ({ ours }) => ours.commandsPerSecond, atMost: 80 },
    { text: 'heap a lock, KiB', measure: ({ ours }) => ours.heapEach, atMost: 0.6 },
  ],
};
