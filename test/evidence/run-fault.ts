import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomFrom } from '../simulation/quorum/random.js';
import { until } from '../support/until.js';
import { callsOf, windowsOf } from './checker/call.js';
import { check, type Verdict } from './checker/check.js';
import { recoveriesOf } from './checker/recovery.js';
import { BUSY, type LibraryName, longestHoldMs } from './client/plan.js';
import { type Fault, TTL_MS } from './faults/fault.js';
import { type HistoryEntry, now } from './history/entry.js';
import { readHistories } from './history/history-file.js';
import { LIMITS, STORE_TIMEOUT_MS, WAIT_MS } from './limits.js';
import { Stage } from './stage/stage.js';
import type { StorageServer } from './stage/storage-server.js';

export interface RunOptions {
  readonly library: LibraryName;
  readonly seconds: number;
  readonly seed: number;
  readonly storage: StorageServer;
}

export interface Run extends Verdict {
  readonly fault: Fault;
  readonly library: LibraryName;
  readonly seed: number;
  /** How often the fault was injected. */
  readonly times: number;
  readonly entries: readonly HistoryEntry[];
}

const PROCESSES = 4;
/** What an application may take to close after its last call, and before it to write to a slow storage. */
const CLOSE_MS = 10_000;
const PERMITS = 2;
/** What is not taken again so much later than all leases have ended and all waiters have gone never is. */
const RECOVERY_MS = 5_000;
/** After so many ttls all leases, places in queues and notes about them must have ended. */
const AFTERLIFE_TTLS = 4;

/** What stays by design: token counters, what processes tell of themselves, and what a node keeps about itself. */
const STAYS = /^lock:(\{\d+\}:tokens$|reports:|quorum:(tokens:|node$|reports|lists$))/;

/** Clients at work on servers of their own while one kind of fault comes again and again, and what the histories say. */
export async function runFault(fault: Fault, options: RunOptions): Promise<Run> {
  const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
  try {
    return await run(fault, directory, options);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function run(
  fault: Fault,
  directory: string,
  { library, seconds, seed, storage }: RunOptions,
): Promise<Run> {
  const url = await storage.createDatabase();
  const { ttlMs = TTL_MS, reconnectMs = 0 } = fault;
  const world = await fault.start();
  const stage = new Stage<never>(world as never, randomFrom(seed), {
    directory,
    library,
    storage: url,
    ttlMs,
    waitMs: WAIT_MS,
    storeTimeoutMs: STORE_TIMEOUT_MS,
    permits: PERMITS,
  });
  let times = 0;
  let endsAt: number;
  let keysLeft: readonly string[];
  try {
    // The first one alone, which founds what the others find.
    await stage.startClient(0);
    await stage.clients[0]!.ready;
    for (let place = 1; place < PROCESSES; place++) await stage.startClient(place);
    await Promise.all(stage.clients.map(({ ready }) => ready));

    const end = performance.now() + seconds * 1_000;
    do {
      await stage.pass(500, 1_500);
      await fault.inject(stage);
      times++;
    } while (performance.now() < end);
    await stage.pass(1_000);
    await untilRecovered(directory, ttlMs + WAIT_MS + RECOVERY_MS);
    endsAt = now();
    const longestCall = LIMITS.acquireMs + longestHoldMs(ttlMs) + LIMITS.releaseMs;
    await stage.finish(longestCall + CLOSE_MS);
    keysLeft = await keysThatStay(world, AFTERLIFE_TTLS * ttlMs);
  } finally {
    await stage.close();
  }
  const overAt = now();
  const entries = readHistories(directory);
  const counters = await storage.readCounters(url);
  const circumstances = {
    permits: PERMITS,
    limits: LIMITS,
    endsAt,
    overAt,
    busyName: BUSY,
    reconnectMs,
  };
  const verdict = check({ entries, counters, keysLeft, ...circumstances });
  return { ...verdict, fault, library, seed, times, entries };
}

/** Waits for what is still to be taken again: who is told to stop does not ask for it any more. */
async function untilRecovered(directory: string, timeoutMs: number): Promise<void> {
  const isRecovered = () => {
    const entries = readHistories(directory);
    return recoveriesOf(entries, windowsOf(callsOf(entries)), 0).every(({ isOver }) => isOver);
  };
  const what = 'all names were taken again';
  await until(isRecovered, { what, timeoutMs, intervalMs: 250 }).catch(() => undefined);
}

/** Keys that are there although everybody is gone for longer than anything may last. */
async function keysThatStay(
  world: { keys(): Promise<string[]> },
  timeoutMs: number,
): Promise<readonly string[]> {
  let left: readonly string[] = [];
  const isClean = async () => {
    left = (await world.keys()).filter((key) => !STAYS.test(key));
    return left.length === 0;
  };
  const what = 'all keys have ended';
  await until(isClean, { what, timeoutMs, intervalMs: 100 }).catch(() => undefined);
  return left;
}
