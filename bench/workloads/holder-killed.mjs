import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../support/monotonic-clock.mjs';
import { largest, median } from '../support/statistics.mjs';

const nameOf = (index) => `killed:${index}`;
const random = (least, most) => least + Math.random() * (most - least);

/** Before anybody waits, the holder's key is the only one of its name that ends. */
async function leaseKeyOf(client, name) {
  for (const key of await client.keys(`*${name}*`)) {
    if ((await client.pttl(key)) > 0) return key;
  }
  throw new Error(`no key of ${name}`);
}

/** Kills a holder, and tells when its lock will have ended. */
async function kill(holder, client, key) {
  await holder.kill();
  return now() + Math.max(0, await client.pttl(key));
}

/** One process holds each name, and one more waits for all of them. */
async function conduct({ server: { client }, startWorker, settings: { kills } }) {
  const holders = Array.from({ length: kills }, (_, index) => startWorker(index));
  const waiter = startWorker(kills);
  await Promise.all([...holders, waiter].map((worker) => worker.told('ready')));
  const window = { kills };
  for (const holder of holders) holder.tell('begin', { window });
  await Promise.all(holders.map((holder) => holder.told('holding')));
  const keys = await Promise.all(holders.map((_, i) => leaseKeyOf(client, nameOf(i))));

  waiter.tell('begin', { window });
  await sleep(300);
  const ends = [];
  for (const [i, holder] of holders.entries()) {
    // Anywhere between two renewals, and between two attempts of the waiter.
    await sleep(random(20, 100));
    ends.push(await kill(holder, client, keys[i]));
  }
  return { ends, reports: [await waiter.told('report')] };
}

export default {
  name: 'holder-killed',
  title:
    'the holder is killed, ttl 2 s: from the end of its lease until a waiter in another process has the lock',
  repetitions: 1,
  timesOf: ({ isQuick }) => ({
    ttlMs: 2_000,
    warmUpMs: 0,
    windowMs: 2_000,
    kills: isQuick ? 3 : 9,
  }),
  conduct,
  async work({ locks, index, tell, window: { kills } }) {
    if (index < kills) {
      await locks.acquire(nameOf(index));
      tell('holding');
      return new Promise(() => undefined);
    }
    const waits = Array.from({ length: kills }, async (_, i) => {
      await sleep(random(0, 200));
      await locks.acquire(nameOf(i));
      return now();
    });
    return { acquired: await Promise.all(waits) };
  },
  summarize: ({ ends, reports: [{ acquired }] }) => ({
    late: acquired.map((at, i) => at - ends[i]),
  }),
  columns: [
    { head: 'median, ms late', value: ({ late }) => median(late), digits: 1 },
    { head: 'most, ms late', value: ({ late }) => largest(late), digits: 1 },
    { head: 'kills', value: ({ late }) => late.length },
  ],
  targets: [{ text: 'median, ms late', measure: ({ ours }) => median(ours.late), atMost: 5 }],
};
