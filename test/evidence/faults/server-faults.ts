import { BUSY } from '../client/plan.js';
import { SingleWorld } from '../stage/single-world.js';
import { type Fault, RECONNECT_MS, TTL_MS, untilDeadline, UNTIL_RENEWAL } from './fault.js';

const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
const canStepClock = process.platform === 'linux';

export const serverFaults: readonly Fault[] = [
  {
    name: 'server-restarted',
    title: 'the server is killed, and comes back with its data',
    world: 'single',
    reconnectMs: RECONNECT_MS,
    start: () => SingleWorld.start({ args: durable }),
    async inject(stage) {
      await stage.during('restart with data', async () => {
        await stage.world.server.kill();
        await stage.pass(50, 0.75 * TTL_MS);
        await stage.world.server.restart();
      });
      stage.expectRecovery('restart with data', [BUSY]);
    },
  },
  {
    name: 'server-restarted-empty',
    title: 'the server is killed, and comes back without its data',
    world: 'single',
    reconnectMs: RECONNECT_MS,
    excuse: untilDeadline(),
    start: () => SingleWorld.start(),
    async inject(stage) {
      await stage.during('restart without data', async () => {
        await stage.world.server.kill();
        await stage.pass(50, 0.75 * TTL_MS);
        await stage.world.server.restart();
      });
      stage.expectRecovery('restart without data', [BUSY]);
    },
  },
  {
    name: 'server-stopped',
    title: 'the server stands still (SIGSTOP), for up to 1.5 × the ttl',
    world: 'single',
    reconnectMs: RECONNECT_MS,
    start: () => SingleWorld.start(),
    async inject(stage) {
      await stage.during('SIGSTOP of the server', async () => {
        stage.world.server.pause();
        await stage.pass(0.25 * TTL_MS, 1.5 * TTL_MS);
        stage.world.server.resume();
      });
      stage.expectRecovery('SIGSTOP of the server', [BUSY]);
    },
  },
  {
    name: 'flushall',
    title: 'FLUSHALL',
    world: 'single',
    excuse: UNTIL_RENEWAL,
    start: () => SingleWorld.start(),
    async inject(stage) {
      await stage.during('FLUSHALL', () => stage.world.asUser((client) => client.flushall()));
      stage.expectRecovery('FLUSHALL', [BUSY]);
    },
  },
  {
    name: 'script-flush',
    title: 'SCRIPT FLUSH',
    world: 'single',
    start: () => SingleWorld.start(),
    async inject(stage) {
      await stage.during('SCRIPT FLUSH', () =>
        stage.world.asUser((client) => client.script('FLUSH')),
      );
      stage.expectRecovery('SCRIPT FLUSH', [BUSY]);
    },
  },
  {
    name: 'clock-forward',
    title: "the server's clock is stepped forward by more than the ttl",
    world: 'single',
    excuse: UNTIL_RENEWAL,
    start: () => SingleWorld.start({ canStepClock }),
    async inject(stage) {
      await stage.during('clock forward', async () => {
        stage.world.server.stepClock(stage.between(1.2, 4) * TTL_MS);
      });
      stage.expectRecovery('clock forward', [BUSY]);
    },
  },
  {
    name: 'clock-back',
    title: "the server's clock is stepped back by up to the ttl",
    world: 'single',
    start: () => SingleWorld.start({ canStepClock }),
    async inject(stage) {
      await stage.during('clock back', async () => {
        stage.world.server.stepClock(-stage.between(0.3, 1) * TTL_MS);
      });
      stage.expectRecovery('clock back', [BUSY]);
    },
  },
  {
    name: 'out-of-memory',
    title: 'the server is out of memory (maxmemory, noeviction)',
    world: 'single',
    start: () => SingleWorld.start(),
    async inject(stage) {
      await stage.world.asUser(async (client) => {
        await stage.during('out of memory', async () => {
          // Less than is in use already: from here on writes are refused.
          await client.config('SET', 'maxmemory', '1mb', 'maxmemory-policy', 'noeviction');
          await stage.pass(0.25 * TTL_MS, 1.25 * TTL_MS);
          await client.config('SET', 'maxmemory', '0');
        });
      });
      stage.expectRecovery('out of memory', [BUSY]);
    },
  },
];
