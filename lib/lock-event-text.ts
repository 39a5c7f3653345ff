import { describeValue } from './core/describe-value.js';
import { holderText } from './core/holder-text.js';
import type { LockEvent, OutcomeDecision } from './core/lock-events.js';
import type { NodeStatus } from './stores/lock-store.interface.js';
import type { OutcomeRecord } from './stores/outcome.interface.js';
import { tellState } from './stores/quorum/quorum-errors.js';

const MOST_NAMES_SHOWN = 3;

const DECISIONS: Record<OutcomeDecision, string> = {
  retry: 'It is done again now.',
  hold: 'Nobody does it until that is resolved: locks.outcomes.resolve(name, …).',
  processed: 'It counts as processed now.',
};

/** An event in words, and how much it matters. */
export interface EventText {
  /** Contention is no error; a lock that was lost is worth a look. */
  readonly level: 'debug' | 'log' | 'warn' | 'error';
  readonly text: string;
}

/** What is told of an event, in the log and elsewhere; `undefined` for what is in the order of things. */
export function eventTextOf(event: LockEvent): EventText | undefined {
  switch (event.type) {
    case 'busy':
      return debug(`"${event.name}" is busy; gave up after ${Math.round(event.waitedMs)} ms.`);
    case 'lost':
      return warn(
        `${event.error.message} (held for ${Math.round(event.heldMs)} ms, fencing token ${event.fencingToken})`,
      );
    case 'renewal-failed':
      return warn(`Renewing ${shorten(event.names)} failed, will retry: ${event.error.message}`);
    case 'release-failed':
      return warn(
        `Releasing "${event.name}" failed, will retry in the background: ${event.error.message}`,
      );
    case 'forced':
      return warn(
        `"${event.name}" was released by force; ${holderText(event.holder.holder)} held it.`,
      );
    case 'leaked':
      return warn(
        `The lock "${event.name}" was never released and its handle is gone; it is released now.`,
      );
    case 'compensation-failed':
      return {
        level: 'error',
        text: `compensate failed for "${event.name}": ${describeError(event.error)}`,
      };
    case 'node':
      return describeNode(event);
    case 'polling':
      return warn(
        `Hand-overs cannot be told, so those that wait ask again and again: ${event.error.message}`,
      );
    case 'permits-changed':
      return warn(
        `The semaphore "${event.name}" had ${event.formerPermits} permits and has ${event.permits} now: ` +
          'the last declared number counts for everybody. Declare the same number everywhere.',
      );
    case 'outcome-unknown':
      return warn(
        `The outcome of "${event.name}" is unknown${begunBy(event.record)}. ${DECISIONS[event.decision]}`,
      );
    case 'processed':
      if (!event.isLate) return undefined;
      return warn(
        `"${event.name}" is processed, but its lock was lost before: somebody else may have done it, too.`,
      );
    case 'skipped':
      if (event.isMissed) return warn(`"${event.name}" is skipped: an earlier run still goes on.`);
      return debug(`"${event.name}" is skipped: it is ${event.reason}.`);
    case 'acquired':
    case 'released':
    case 'compensated':
      return undefined;
  }
}

const debug = (text: string): EventText => ({ level: 'debug', text });
const warn = (text: string): EventText => ({ level: 'warn', text });

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES_SHOWN).map((name) => `"${name}"`);
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function begunBy({ attempts }: OutcomeRecord): string {
  const last = attempts.findLast(({ outcome }) => outcome === 'unknown');
  if (!last) return '';
  const { holder, since, fencingToken } = last;
  return `: ${holderText(holder)} began it at ${since.toISOString()} with fencing token ${fencingToken}`;
}

/** Anything can be thrown, also what String() cannot read. */
function describeError(error: unknown): string {
  return error instanceof Error ? String(error) : describeValue(error);
}

/** A new node is no trouble yet: it votes next, or it is told why not. */
function describeNode(status: NodeStatus): EventText {
  const isWell = status.state === 'voting' || status.state === 'blank';
  return { level: isWell ? 'log' : 'warn', text: `Node ${status.node} ${tellState(status)}.` };
}
