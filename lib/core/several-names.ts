import { LockBusyError } from '../lock.errors.js';
import type { Clock } from './clock.js';
import type { Tenure } from './tenure.js';

/** What taking several names asks of its process. */
export interface SeveralNamesTools {
  readonly clock: Clock;
  /** Takes one name, within so many milliseconds; 0 does not wait. */
  readonly take: (name: string, waitMs: number) => Promise<Tenure>;
  readonly giveBack: (tenure: Tenure) => void;
}

/**
 * Takes all names or none.
 *
 * All are tried in one turn first, so that names of one slot are taken at once. Where one is busy,
 * those before it are kept and it is waited for: everybody waits in the same order, so nobody waits
 * for somebody who waits for them.
 *
 * @param names in the common order, each once
 */
export async function takeAll(
  names: readonly string[],
  waitMs: number,
  { clock, take, giveBack }: SeveralNamesTools,
): Promise<Tenure[]> {
  const waitsUntil = clock.now() + waitMs;
  const taken: Tenure[] = [];
  try {
    while (taken.length < names.length) {
      const tries = await Promise.allSettled(
        names.slice(taken.length).map((name) => take(name, 0)),
      );
      const refused = tries.findIndex(({ status }) => status === 'rejected');
      tries.forEach((result, i) => {
        if (result.status !== 'fulfilled') return;
        if (refused < 0 || i < refused) taken.push(result.value);
        else giveBack(result.value);
      });
      if (refused < 0) break;
      for (const result of tries) {
        if (result.status === 'rejected' && !(result.reason instanceof LockBusyError)) {
          throw result.reason;
        }
      }
      if (waitMs === 0) throw (tries[refused] as PromiseRejectedResult).reason;
      // In time or not, it fails as one that has waited does.
      taken.push(await take(names[taken.length]!, Math.max(waitsUntil - clock.now(), 1)));
    }
    return taken;
  } catch (error) {
    for (const tenure of taken) giveBack(tenure);
    throw error;
  }
}
