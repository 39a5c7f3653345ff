import type { Redis } from 'ioredis';
import { BUSY } from '../client/plan.js';
import { SingleWorld } from '../stage/single-world.js';
import type { Stage } from '../stage/stage.js';
import { type Fault, RECONNECT_MS, TTL_MS } from './fault.js';

const start = () => SingleWorld.start();

/** A script of somebody else's that keeps the server busy. */
const BUSY_LOOP = `
local function now() local t = redis.call('TIME'); return t[1] * 1000 + t[2] / 1000 end
local till = now() + ARGV[1]
while now() < till do end`;

const keepBusy = (client: Redis, ms: number) => client.eval(BUSY_LOOP, 0, Math.round(ms));

/** With a buffer of a few kilobytes, and a message to every channel that does not fit in. */
async function overflow(client: Redis): Promise<void> {
  await client.config('SET', 'client-output-buffer-limit', 'pubsub 4096 4096 0');
  const channels = (await client.pubsub('CHANNELS', '*')) as string[];
  for (const channel of channels) await client.publish(channel, 'x'.repeat(100_000));
  await client.config('SET', 'client-output-buffer-limit', 'pubsub 33554432 8388608 60');
}

async function asUser(
  stage: Stage<SingleWorld>,
  what: string,
  work: (client: Redis) => Promise<unknown>,
): Promise<void> {
  await stage.during(what, () => stage.world.asUser(work));
  stage.expectRecovery(what, [BUSY]);
}

export const neighbourFaults: readonly Fault[] = [
  {
    name: 'output-buffer',
    title: "the subscriber's output buffer is full: the server hangs up on it",
    world: 'single',
    start,
    inject: (stage) => asUser(stage, 'full output buffer', overflow),
  },
  {
    name: 'subscriber-killed',
    title: 'CLIENT KILL of the subscribers',
    world: 'single',
    start,
    inject: (stage) =>
      asUser(stage, 'CLIENT KILL TYPE pubsub', (client) =>
        client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes'),
      ),
  },
  {
    name: 'clients-killed',
    title: 'CLIENT KILL of all connections',
    world: 'single',
    reconnectMs: RECONNECT_MS,
    start,
    inject: (stage) =>
      asUser(stage, 'CLIENT KILL', async (client) => {
        for (const type of ['normal', 'pubsub']) {
          await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
        }
      }),
  },
  {
    name: 'slow-script',
    title: 'a slow script of another user, for up to 0.75 × the ttl',
    world: 'single',
    start,
    inject: (stage) =>
      asUser(stage, 'slow script', (client) => keepBusy(client, stage.between(0.1, 0.75) * TTL_MS)),
  },
  {
    name: 'slow-script-busy',
    title: 'a slow script of another user, and BUSY errors meanwhile',
    world: 'single',
    start,
    inject: (stage) =>
      asUser(stage, 'slow script, BUSY', async (client) => {
        await client.config('SET', 'busy-reply-threshold', '50');
        await keepBusy(client, stage.between(0.1, 0.75) * TTL_MS);
      }),
  },
];
