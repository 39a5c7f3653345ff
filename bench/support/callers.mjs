// What the callers of the workloads do, within a worker.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { now } from './monotonic-clock.mjs';

/** @typedef {{ from: number, to: number }} Window what counts, after the warm-up before it */

/** Takes and gives back until the window ends, and only counts. */
export async function takeInTurn({ locks, failures, window: { from, to } }, nextName) {
  let taken = 0;
  for (let at = now(); at < to; at = now()) {
    try {
      const handle = await locks.acquire(nextName());
      const acquiredAt = now();
      if (acquiredAt >= from && acquiredAt < to) taken++;
      await locks.release(handle);
    } catch (error) {
      failures.add(error);
      await turn();
    }
  }
  return taken;
}

/**
 * Takes and gives back until the window ends, and times what ended within it: acquisitions, and pairs of
 * an acquisition and its release. A call that has no answer by then is left alone: it may never have one.
 */
export async function timeInTurn({ locks, failures, window: { from, to } }, nextName) {
  const times = { acquires: [], pairs: [], pending: 0 };
  let asked;
  const goOn = async () => {
    for (asked = now(); asked < to; asked = now()) {
      try {
        const handle = await locks.acquire(nextName());
        const acquired = now();
        if (acquired >= from && acquired < to) times.acquires.push(acquired - asked);
        await locks.release(handle);
        const released = now();
        if (released >= from && released < to) times.pairs.push(released - asked);
      } catch (error) {
        failures.add(error);
        await turn();
      }
    }
  };
  await Promise.race([goOn(), sleep(Math.ceil(to - now()) + 1)]);
  if (asked < to) times.pending = to - asked;
  if (times.pairs.length === 0)
    failures.add(new Error('hangs: no lock was given back in the window'));
  return times;
}

/** Runs callers side by side that only count. */
export async function countTaken(context, callers, nameOf) {
  const counts = Array.from({ length: callers }, (_, caller) =>
    takeInTurn(context, nameOf(caller)),
  );
  return { taken: (await Promise.all(counts)).reduce((sum, taken) => sum + taken, 0) };
}

/** Takes, stays inside, gives back and is away, until the window ends; keeps a record of each visit. */
async function visitInTurn({ locks, failures, window }, { name, caller, insideMs, awayMs }, log) {
  while (now() < window.to) {
    const visit = { caller, name, asked: now() };
    log.push(visit);
    try {
      const handle = await locks.acquire(name);
      visit.start = now();
      const inside = insideMs();
      if (inside > 0) await sleep(inside);
      visit.end = now();
      await locks.release(handle);
    } catch (error) {
      failures.add(error);
      visit.failed = true;
      await turn();
    }
    const away = awayMs();
    if (away > 0) await sleep(away);
  }
}

/**
 * Runs callers side by side, and tells their visits when the window ends: also those that have not
 * got in yet (no `start`) and those still inside (no `end`).
 */
export async function recordVisits(context, callers) {
  const log = [];
  const all = callers.map((caller) => visitInTurn(context, caller, log));
  // Who waits for a lock may do so for ever, and is not waited for. Timers may be early by part of a
  // millisecond, and a visit without an end must be one that outlasts the window.
  await Promise.race([Promise.all(all), sleep(Math.ceil(context.window.to - now()) + 1)]);
  return { visits: log.filter((visit) => !visit.failed) };
}
