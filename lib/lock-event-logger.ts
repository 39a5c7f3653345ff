import type { LoggerService } from '@nestjs/common';
import type { LockEvent } from './core/lock-events.js';
import { printable } from './core/printable.js';
import { eventTextOf } from './lock-event-text.js';
import { lossAdvice } from './loss-log.js';
import { ToldOnce } from './told-once.js';

const LEAST_PAUSE_MS = 1_000;

/** Writes what happens to locks to Nest's log. */
export class LockEventLogger {
  private lastRenewalWarningAt = -Infinity;
  private readonly heldBack = new ToldOnce();

  constructor(
    private readonly logger: LoggerService,
    /** Why the store is out of reach at the moment, if it is. */
    private readonly storeError: () => Error | undefined = () => undefined,
  ) {}

  log(event: LockEvent): void {
    if (event.type === 'renewal-failed' && this.warnedJustNow()) return;
    if (event.type === 'outcome-unknown' && event.decision === 'hold') {
      if (!this.heldBack.isNew(event)) return;
    }
    try {
      this.write(event);
    } catch {
      // A logger that fails must not cost a lock; there is nowhere left to tell it.
    }
  }

  /** In an outage every batch fails again and again. */
  private warnedJustNow(): boolean {
    const now = performance.now();
    if (now - this.lastRenewalWarningAt < LEAST_PAUSE_MS) return true;
    this.lastRenewalWarningAt = now;
    return false;
  }

  private write(event: LockEvent): void {
    const told = eventTextOf(event);
    if (!told) return;
    const { level } = told;
    const text = printable(told.text);
    const more = this.advice(event);
    // A logger need not have `debug`.
    this.logger[level]?.(more ? `${text} ${more}` : text);
  }

  /** What only whoever reads the log of this process can make use of. */
  private advice(event: LockEvent): string | undefined {
    if (event.type === 'lost') return printable(lossAdvice(event, this.storeError()));
    return event.type === 'leaked' ? whereTaken(event.stack) : undefined;
  }
}

const whereTaken = (stack: string | undefined): string =>
  stack ?? 'Set the option leakStacks to learn where it was taken.';
