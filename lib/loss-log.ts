import type { LoggerService } from '@nestjs/common';
import { holderText } from './core/holder-text.js';
import type { LockLostEvent } from './core/lock-events.js';
import { printable } from './core/printable.js';
import type { LossReason } from './lock.errors.js';
import type { NameRecord, Subject } from './stores/lock-store.interface.js';

/** A fault of the store costs many locks at once: a few tell enough. */
const MOST_AT_ONCE = 3;

const MORE = 'See "A lost lock" in docs/monitoring.md.';

const LOOK_AT: Record<LossReason, string> = {
  deadline:
    'The store can be reached now: look for what blocked the event loop, stopped the process, or held up the network.',
  expired:
    'Look at whether Redis was restarted, failed over or emptied, and at its eviction policy: npx nestjs-locker doctor.',
  'taken-over':
    'Its lease was over before: look for a failover, a clock of the server that was set, or a process that stood still.',
  forced: 'Whoever did it has logged it: "was released by force".',
  'max-hold': 'Look at what the work took so long for, or raise maxHold.',
  'not-renewed': 'Give it a longer ttl, or leave renew: false out.',
  shutdown: 'Have the work heed its signal, or raise drainTimeout.',
};

/** After these somebody else may have it at once; at a deadline, nobody can yet. */
const MAY_BE_HELD = new Set<LossReason>(['expired', 'taken-over', 'forced']);

/** What to look at after a loss, as the log has it. */
export function lossAdvice({ reason }: LockLostEvent, storeError: Error | undefined): string {
  const isAway = reason === 'deadline' && storeError !== undefined;
  const advice = isAway ? `The store cannot be reached: ${storeError.message}.` : LOOK_AT[reason];
  return `${advice} ${MORE}`;
}

interface Inspector {
  inspect(subject: Subject): Promise<NameRecord>;
}

/** Tells the log who has a lock that was lost: asked for in the background, after the loss was told. */
export class NewHolderLog {
  private asking = 0;

  constructor(
    private readonly logger: LoggerService,
    private readonly client: Inspector,
  ) {}

  tell({ name, kind, reason, fencingToken }: LockLostEvent): void {
    // Who has other permits of a semaphore says nothing of this one.
    if (kind === 'semaphore' || !MAY_BE_HELD.has(reason)) return;
    if (this.asking >= MOST_AT_ONCE) return;
    this.asking++;
    this.client
      .inspect({ name, kind })
      .then(({ holders }) => {
        const holder = holders.find((each) => each.fencingToken > fencingToken);
        if (!holder)
          return this.logger.debug?.(printable(`Nobody has taken "${name}" since it was lost.`));
        const told =
          `"${name}", which was lost, is held by ${holderText(holder.holder)} since ` +
          `${holder.since.toISOString()}, with fencing token ${holder.fencingToken}.`;
        this.logger.warn(printable(told));
      })
      .catch(() => undefined) // the store has other troubles, or the logger has
      .finally(() => this.asking--);
  }
}
