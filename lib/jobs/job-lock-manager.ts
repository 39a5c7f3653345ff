import { describeValue } from '../core/describe-value.js';
import type { Hold } from '../core/hold.js';
import type { LockClient } from '../core/lock-client.js';
import type { OnceMessage } from '../core/lock-channels.js';
import type { Lock } from '../core/lock.js';
import type { Operation } from '../core/operation.js';
import { AlreadyProcessedError } from '../core/refusal.js';
import type { Tenure } from '../core/tenure.js';
import {
  LockBusyError,
  LockOptionsError,
  LockReleasedError,
  OutcomeUnknownError,
} from '../lock.errors.js';
import type { ReleaseOutcome } from '../stores/lock-store.interface.js';
import type { OutcomeRecord } from '../stores/outcome.interface.js';
import type { Job } from './job.js';
import type { OnceElement, OnceRunner } from './once-runner.js';
import type { ListOptions, OutcomeCounts, Outcomes } from './outcomes.js';

/**
 * What became of many elements that were to be locked at once.
 *
 * @example
 * const { granted, unknown }: JobBatch<Invoice> = await manager.lockAll(INVOICES, invoices);
 */
export interface JobBatch<Element> {
  /** Locked now, for this caller. */
  readonly granted: Element[];
  /** Somebody else is at them. */
  readonly busy: Element[];
  readonly processed: Element[];
  /** Nobody knows whether they were done, and the job's policy holds them back. */
  readonly unknown: Element[];
  /** Of these `onUnknown` could not tell, since it threw: they are left as they were. */
  readonly failed: { readonly element: Element; readonly error: unknown }[];
}

/** The parts of a service that jobs need. */
export interface JobTools {
  readonly client: LockClient;
  readonly once: OnceRunner;
  readonly outcomes: Outcomes;
}

/** An element that this process is at. */
interface HeldElement {
  readonly lock: Lock;
  readonly hold: Hold;
  /** From the question for it to its end, if somebody listens. */
  readonly operation: Operation<OnceMessage> | undefined;
}

/** So many that a store that is slow, and no more, answers within its time limit. */
const ROUND_TRIP_SIZE = 1_024;

type Answer = 'granted' | 'busy' | 'processed' | 'unknown';

/**
 * Locks the elements of jobs, remembers which are processed, and notices those whose outcome is unknown.
 *
 * A process is at an element from `lock` on until it calls `successfullyProcessed` or `unlock`, even
 * if the lock is lost meanwhile: until then `lock` gives it to nobody else of this process.
 *
 * @example
 * if (!(await manager.lock(INVOICES, invoice))) return;
 * try {
 *   await authority.submit(invoice);
 *   await manager.successfullyProcessed(INVOICES, invoice);
 * } finally {
 *   await manager.unlock(INVOICES, invoice);
 * }
 */
export class JobLockManager {
  private readonly held = new Map<string, HeldElement>();

  /** @internal */
  constructor(private readonly tools: JobTools) {}

  /**
   * Locks an element if it is open, and never waits.
   *
   * @returns false if somebody is at it, if it is processed, or if its outcome is unknown and held back
   * @throws LockStoreError if the store does not answer; LockDrainingError at shutdown
   * @throws LockKeyError if the element has no id
   * @throws what `onUnknown` throws; the element is then left as it was
   * @example
   * if (await manager.lock(INVOICES, invoice)) await submit(invoice);
   */
  async lock<Element>(job: Job<Element>, element: Element): Promise<boolean> {
    const name = job.nameOf(element);
    const answer = await this.take(job, element, name, (decide) => decide());
    if (typeof answer === 'object') throw answer.error;
    return answer === 'granted';
  }

  /**
   * Locks many elements, 1,024 in a round trip; an element that is there twice counts once.
   *
   * Unknown outcomes are put to a function `onUnknown` one after the other, under their locks.
   *
   * @throws as `lock` does, but for what `onUnknown` throws; what was locked is given back then
   * @example
   * const { granted } = await manager.lockAll(INVOICES, pending.slice(0, 100));
   */
  async lockAll<Element>(
    job: Job<Element>,
    elements: readonly Element[],
  ): Promise<JobBatch<Element>> {
    const asked = new Map<string, Element>();
    for (const element of elements) {
      const name = job.nameOf(element);
      if (!asked.has(name)) asked.set(name, element);
    }
    const batch: JobBatch<Element> = {
      granted: [],
      busy: [],
      processed: [],
      unknown: [],
      failed: [],
    };
    const inTurn = takeTurns();
    const all = [...asked];
    for (let from = 0; from < all.length; from += ROUND_TRIP_SIZE) {
      const some = all.slice(from, from + ROUND_TRIP_SIZE);
      const answers = await Promise.allSettled(
        some.map(([name, element]) => this.take(job, element, name, inTurn)),
      );
      answers.forEach((answer, i) => {
        const [, element] = some[i]!;
        if (answer.status === 'rejected') return;
        if (typeof answer.value === 'string') batch[answer.value].push(element);
        else batch.failed.push({ element, error: answer.value.error });
      });
      const refused = answers.find((answer) => answer.status === 'rejected');
      if (!refused) continue;
      await Promise.allSettled(batch.granted.map((element) => this.giveBack(job, element)));
      throw refused.reason;
    }
    return batch;
  }

  /**
   * Marks an element as processed and gives its lock back, in one step.
   *
   * It is marked even if the lock was lost, since the work is done; then that is said.
   *
   * @param result is stored if the job has `storeResult`
   * @throws LockLostError if the lock was lost before, unless the job has `compensate`
   * @throws LockReleasedError if this process is not at it
   * @throws LockStoreError if the store does not answer; it is then told in the background
   * @throws ResultNotStoredError if the result is too large or no JSON; it is marked all the same
   * @example
   * await manager.successfullyProcessed(INVOICES, invoice);
   */
  async successfullyProcessed<Element>(
    job: Job<Element>,
    element: Element,
    result?: unknown,
  ): Promise<void> {
    const { hold, operation } = this.end(job.nameOf(element));
    try {
      await hold.succeed(result, compensateOf(job, element));
      operation?.succeed('executed');
    } catch (error) {
      operation?.fail(error, 'executed');
      throw error;
    }
  }

  /**
   * Gives the lock of an element back without success: it is open again, for whoever comes. If the
   * lock was lost, its outcome stays unknown. Does nothing where this process is not at it (any more).
   *
   * @param outcome `'unknown'` if nobody can tell whether it was done: a request had no answer. Default: `'open'`.
   *
   * Never fails for want of an answer, so that in a `finally` it hides no error of the work.
   *
   * @returns `expired` or `taken-over` if the lock was lost before; `unconfirmed` if the store does not
   *   answer: the release then goes on in the background
   * @throws what the job's `compensate` throws
   * @example
   * await manager.unlock(INVOICES, invoice);
   */
  async unlock<Element>(
    job: Job<Element>,
    element: Element,
    outcome: 'open' | 'unknown' = 'open',
  ): Promise<ReleaseOutcome | 'unconfirmed'> {
    if (outcome !== 'open' && outcome !== 'unknown') {
      throw new LockOptionsError(
        `unlock: the outcome is ${describeValue(outcome)}; write 'open' or 'unknown'.`,
      );
    }
    const name = job.nameOf(element);
    if (!this.held.has(name)) return 'expired';
    const told = outcome === 'open' ? ({ kind: 'open', job: job.name } as const) : undefined;
    const { hold, operation } = this.end(name);
    try {
      const found = await hold.fail(told, compensateOf(job, element));
      const isLost = found === 'expired' || found === 'taken-over';
      operation?.succeed(told && !isLost ? 'failed' : 'unknown');
      return found;
    } catch (error) {
      operation?.fail(error, 'unknown');
      throw error;
    }
  }

  /**
   * The lock of an element that this process is at: its signal and its fencing token.
   *
   * @example
   * const { signal, fencingToken } = manager.lockOf(INVOICES, invoice)!;
   */
  lockOf<Element>(job: Job<Element>, element: Element): Lock | undefined {
    return this.held.get(job.nameOf(element))?.lock;
  }

  /**
   * What is known of an element; `null` if it is open.
   *
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const record = await manager.outcome(INVOICES, invoice);
   */
  outcome<Element>(job: Job<Element>, element: Element): Promise<OutcomeRecord | null> {
    return this.tools.outcomes.of(job.nameOf(element));
  }

  /**
   * Ends an unknown outcome: the element counts as processed, or may be done again.
   *
   * @param record that the decision rests on, should somebody have begun it anew since
   * @returns false if its outcome is not unknown (any more)
   * @throws LockBusyError while somebody is at it
   * @throws LockStoreError if the store cannot be asked
   * @example
   * await manager.resolve(INVOICES, invoice, (await hasArrived(invoice)) ? 'processed' : 'retry');
   */
  resolve<Element>(
    job: Job<Element>,
    element: Element,
    decision: 'processed' | 'retry',
    record?: OutcomeRecord,
  ): Promise<boolean> {
    const retention = job.terms.retentionMs;
    return this.tools.outcomes.resolve(record ?? job.nameOf(element), decision, { retention });
  }

  /**
   * What is known of a job's elements, in no order.
   *
   * @throws LockStoreError if the store cannot be asked
   * @example
   * for await (const { name } of manager.outcomes(INVOICES, { state: 'unknown' })) console.log(name);
   */
  outcomes(job: Job<any>, options?: ListOptions): AsyncGenerator<OutcomeRecord, void> {
    return this.tools.outcomes.list(job.name, options);
  }

  /**
   * How many elements of a job are processed, running and unknown.
   *
   * @throws LockStoreError if the store cannot be asked
   * @example
   * const { unknown } = await manager.count(INVOICES);
   */
  count(job: Job<any>): Promise<OutcomeCounts> {
    return this.tools.outcomes.count(job.name);
  }

  /**
   * Forgets what is processed, or unknown: it may then be done again.
   *
   * @returns how many were forgotten
   * @throws LockStoreError if the store cannot be asked
   * @example
   * await manager.clear(INVOICES, 'processed');
   */
  clear(job: Job<any>, state: 'processed' | 'unknown'): Promise<number> {
    return this.tools.outcomes.clear(job.name, state);
  }

  private async take<Element>(
    job: Job<Element>,
    element: Element,
    name: string,
    inTurn: ReturnType<typeof takeTurns>,
  ): Promise<Answer | { readonly error: unknown }> {
    if (this.held.has(name)) return 'busy';
    const { once } = this.tools;
    const what: OnceElement = { ...job.terms, name, job: job.name, context: { element } };
    const operation = once.tell(what);
    let isDeciding = false;
    try {
      const tenure = await once.take(what, { ...job.acquireOptions, wait: 0 });
      isDeciding = tenure.lease.unknown !== undefined;
      if (isDeciding) await inTurn(() => once.decide(what, tenure));
      this.keep(what, tenure, operation);
      return 'granted';
    } catch (error) {
      const answer = answerIn(error);
      if (answer) operation?.succeed(answer === 'processed' ? 'replayed' : answer);
      else operation?.fail(error, isDeciding ? 'unknown' : 'failed');
      if (answer) return answer;
      if (isDeciding) return { error };
      throw error;
    }
  }

  /** Of what has not been begun. */
  private giveBack<Element>(job: Job<Element>, element: Element): Promise<ReleaseOutcome> {
    const { lock, operation } = this.end(job.nameOf(element));
    operation?.succeed('failed');
    return lock.end({ kind: 'unbegun', job: job.name });
  }

  private keep(
    element: OnceElement,
    tenure: Tenure,
    operation: Operation<OnceMessage> | undefined,
  ): void {
    const { client, once } = this.tools;
    const lock = client.lockFor(tenure);
    const hold = client.works.holdOf(tenure, once.endingOf(element), lock);
    this.held.set(element.name, { lock, hold, operation });
  }

  private end(name: string): HeldElement {
    const held = this.held.get(name);
    if (!held) {
      const message = `This process is not at "${name}": lock it first, and tell its end once.`;
      throw new LockReleasedError(name, message);
    }
    this.held.delete(name);
    return held;
  }
}

function answerIn(error: unknown): Exclude<Answer, 'granted'> | undefined {
  if (error instanceof LockBusyError) return 'busy';
  if (error instanceof AlreadyProcessedError) return 'processed';
  return error instanceof OutcomeUnknownError ? 'unknown' : undefined;
}

/** Has functions called one after the other. */
function takeTurns(): <T>(call: () => Promise<T>) => Promise<T> {
  let previous: Promise<unknown> = Promise.resolve();
  return (call) => {
    const turn = previous.then(call);
    previous = turn.catch(() => undefined);
    return turn;
  };
}

function compensateOf<Element>({ compensate }: Job<Element>, element: Element) {
  return compensate && ((loss: Parameters<typeof compensate>[0]) => compensate(loss, element));
}
