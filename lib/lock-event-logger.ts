import type { LoggerService } from '@nestjs/common';
import { describeValue } from './core/describe-value.js';
import type { LockEvent, OutcomeDecision, OutcomeUnknownEvent } from './core/lock-events.js';
import type { OutcomeRecord } from './stores/outcome.interface.js';

const MOST_NAMES_SHOWN = 3;

const LEAST_PAUSE_MS = 1_000;

const MOST_REMEMBERED = 10_000;

const DECISIONS: Record<OutcomeDecision, string> = {
  retry: 'It is done again now.',
  hold: 'Nobody does it until that is resolved: locks.outcomes.resolve(name, …).',
  processed: 'It counts as processed now.',
};

/** Writes what happens to locks to Nest's log. */
export class LockEventLogger {
  private lastRenewalWarningAt = -Infinity;
  private readonly heldBack = new Set<string>();

  constructor(private readonly logger: LoggerService) {}

  log(event: LockEvent): void {
    if (event.type === 'renewal-failed' && this.warnedJustNow()) return;
    if (event.type === 'outcome-unknown' && event.decision === 'hold' && this.hasTold(event))
      return;
    try {
      write(this.logger, event);
    } catch {
      // A logger that fails must not cost a lock; there is nowhere left to tell it.
    }
  }

  /** What is held back is met with every run of its job. */
  private hasTold({ name, record }: OutcomeUnknownEvent): boolean {
    const attempt = `${name} ${record.attempts.at(-1)?.fencingToken}`;
    if (this.heldBack.has(attempt)) return true;
    if (this.heldBack.size >= MOST_REMEMBERED) this.heldBack.clear();
    this.heldBack.add(attempt);
    return false;
  }

  /** In an outage every batch fails again and again. */
  private warnedJustNow(): boolean {
    const now = performance.now();
    if (now - this.lastRenewalWarningAt < LEAST_PAUSE_MS) return true;
    this.lastRenewalWarningAt = now;
    return false;
  }
}

/** Contention is no error; a lock that was lost is worth a look. */
function write(logger: LoggerService, event: LockEvent): void {
  switch (event.type) {
    case 'busy':
      logger.debug?.(`"${event.name}" is busy; gave up after ${Math.round(event.waitedMs)} ms.`);
      break;
    case 'lost':
      logger.warn(
        `${event.error.message} (held for ${Math.round(event.heldMs)} ms, fencing token ${event.fencingToken})`,
      );
      break;
    case 'renewal-failed':
      logger.warn(`Renewing ${shorten(event.names)} failed, will retry: ${event.error.message}`);
      break;
    case 'release-failed':
      logger.warn(
        `Releasing "${event.name}" failed, will retry in the background: ${event.error.message}`,
      );
      break;
    case 'forced':
      logger.warn(
        `"${event.name}" was released by force; ${event.holder.holder.service} (${event.holder.holder.host}, pid ${event.holder.holder.pid}) held it.`,
      );
      break;
    case 'leaked':
      logger.warn(
        `The lock "${event.name}" was never released and its handle is gone; it is released now. ` +
          (event.stack ?? 'Set the option leakStacks to learn where it was taken.'),
      );
      break;
    case 'compensation-failed':
      logger.error(`compensate failed for "${event.name}": ${textOf(event.error)}`);
      break;
    case 'polling':
      logger.warn(
        `Hand-overs cannot be told, so those that wait ask again and again: ${event.error.message}`,
      );
      break;
    case 'permits-changed':
      logger.warn(
        `The semaphore "${event.name}" had ${event.formerPermits} permits and has ${event.permits} now: ` +
          'the last declared number counts for everybody. Declare the same number everywhere.',
      );
      break;
    case 'outcome-unknown':
      logger.warn(
        `The outcome of "${event.name}" is unknown${begunBy(event.record)}. ${DECISIONS[event.decision]}`,
      );
      break;
    case 'processed':
      if (!event.isLate) break;
      logger.warn(
        `"${event.name}" is processed, but its lock was lost before: somebody else may have done it, too.`,
      );
      break;
    case 'skipped':
      if (event.isMissed) logger.warn(`"${event.name}" is skipped: an earlier run still goes on.`);
      else logger.debug?.(`"${event.name}" is skipped: it is ${event.reason}.`);
      break;
    case 'acquired':
    case 'released':
    case 'compensated':
      break;
  }
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES_SHOWN).map((name) => `"${name}"`);
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function begunBy({ attempts }: OutcomeRecord): string {
  const last = attempts.findLast(({ outcome }) => outcome === 'unknown');
  if (!last) return '';
  const { holder, since, fencingToken } = last;
  return `: ${holder.service} (${holder.host}, pid ${holder.pid}) began it at ${since.toISOString()} with fencing token ${fencingToken}`;
}

/** Anything can be thrown, also what String() cannot read. */
function textOf(error: unknown): string {
  return error instanceof Error ? String(error) : describeValue(error);
}
