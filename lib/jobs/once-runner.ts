import { type AcquireOptions, labelOfJob } from '../core/acquire-options.js';
import { describeValue } from '../core/describe-value.js';
import type { Ending, WithLockOptions } from '../core/hold.js';
import type { LockClient } from '../core/lock-client.js';
import type { LockEventSink, OutcomeDecision } from '../core/lock-events.js';
import { lockChannels, type OnceEnding, type OnceMessage } from '../core/lock-channels.js';
import type { Lock } from '../core/lock.js';
import { Operation } from '../core/operation.js';
import { AlreadyProcessedError } from '../core/refusal.js';
import type { Tenure } from '../core/tenure.js';
import {
  LockBusyError,
  LockOptionsError,
  OutcomeUnknownError,
  ResultNotStoredError,
} from '../lock.errors.js';
import type { OnceRequest, OutcomeRecord, OutcomeStore } from '../stores/outcome.interface.js';
import type { ResolvedTerms, UnknownOutcome } from './once-options.js';
import { resultTextOf } from './result-text.js';

/**
 * What has become of a call that is done once.
 *
 * @example
 * const { status, result }: OnceResult<Receipt> = await locks.once('invoice:42', submit);
 */
export interface OnceResult<T> {
  /** `replayed`: it was done before, and `result` is what was stored then. */
  readonly status: 'executed' | 'replayed';
  /** `undefined` where it is replayed and was not stored. */
  readonly result: T | undefined;
}

/** An element that is done once. */
export interface OnceElement extends ResolvedTerms {
  readonly name: string;
  readonly job: string;
  readonly fingerprint?: string | undefined;
  /** What a function `onUnknown` is told besides. */
  readonly context?: Partial<UnknownOutcome<any>>;
}

/** Begins what is done once, and ends it. */
export class OnceRunner {
  constructor(
    private readonly client: LockClient,
    private readonly emit: LockEventSink,
  ) {}

  /** Does the work unless it was done before. */
  async run<T>(
    element: OnceElement,
    work: (lock: Lock) => T | PromiseLike<T>,
    options: WithLockOptions<T>,
  ): Promise<OnceResult<T>> {
    const operation = this.tell(element, options.label);
    let ending: OnceEnding = 'failed';
    try {
      const result = await this.perform(element, work, options, (known) => (ending = known));
      operation?.succeed(result.status);
      return result;
    } catch (error) {
      operation?.fail(error, ending);
      throw error;
    }
  }

  /** That an element is asked for, if somebody listens. */
  tell(
    { name, job }: OnceElement,
    label = labelOfJob(job, name),
  ): Operation<OnceMessage> | undefined {
    const { once } = lockChannels;
    if (!once.hasSubscribers) return undefined;
    const { service } = this.client.holder;
    return new Operation<OnceMessage>(
      once,
      { service, name, job, label },
      this.client.clock,
    ).begin();
  }

  private async perform<T>(
    element: OnceElement,
    work: (lock: Lock) => T | PromiseLike<T>,
    options: WithLockOptions<T>,
    note: (ending: OnceEnding) => void,
  ): Promise<OnceResult<T>> {
    let entered: Lock | undefined;
    const ending = this.endingOf<T>(element);
    const noted: Ending<T> = {
      succeeded: (result) => {
        note('executed');
        return ending.succeeded(result);
      },
      failed: (error) => {
        const outcome = ending.failed(error);
        note(outcome && entered?.isHeld ? 'failed' : 'unknown');
        return outcome;
      },
    };
    try {
      const result = await this.client.works.repeat(
        `once("${element.name}")`,
        (given) => {
          entered = undefined;
          return this.begin(element, given);
        },
        (lock) => {
          entered = lock;
          return work(lock);
        },
        options,
        noted,
      );
      return { status: 'executed', result };
    } catch (error) {
      if (!entered && error instanceof LockBusyError) note('busy');
      if (!entered && error instanceof OutcomeUnknownError) note('unknown');
      if (entered || !(error instanceof AlreadyProcessedError)) throw error;
      note('replayed');
      return { status: 'replayed', result: this.replay<T>(element, error.record) };
    }
  }

  /**
   * Takes the lock and records that the element is begun.
   *
   * @throws AlreadyProcessedError, OutcomeUnknownError, FingerprintError if it is not to be done
   */
  async begin(element: OnceElement, options: AcquireOptions): Promise<Tenure> {
    return this.decide(element, await this.take(element, options));
  }

  /** The first half of `begin`: what an earlier try has left behind is not decided upon yet. */
  async take(element: OnceElement, options: AcquireOptions): Promise<Tenure> {
    outcomesOf(this.client); // throws before anything is taken
    try {
      return await this.client.takeOnce(element.name, requestOf(element), options);
    } catch (error) {
      if (error instanceof OutcomeUnknownError) this.tellUnknown(element, error.record, 'hold');
      throw error;
    }
  }

  /** The second half of `begin`. */
  async decide(element: OnceElement, tenure: Tenure): Promise<Tenure> {
    const { unknown } = tenure.lease;
    if (!unknown) return tenure;
    tenure.assertHeld(); // others may have been asked about first
    const decision = await this.decisionOn(element, unknown, tenure);
    this.tellUnknown(element, unknown, decision);
    if (typeof element.onUnknown !== 'function') return tenure;
    if (decision === 'retry') {
      await this.client.beginAnew(tenure, requestOf(element));
      return tenure;
    }
    if (decision === 'hold') {
      this.client.giveBack(tenure);
      throw new OutcomeUnknownError(unknown);
    }
    const { name, job, retentionMs } = element;
    const { holder } = this.client;
    try {
      const { fencingToken } = unknown.attempts.at(-1)!;
      await this.store.resolve({ name, job, fencingToken, decision, retentionMs, holder });
      const record = (await this.store.read(name)) ?? unknown;
      if (record.state === 'processed') throw new AlreadyProcessedError(record);
      tenure.assertHeld(); // somebody else has begun it anew, since that took so long
      throw new OutcomeUnknownError(record);
    } finally {
      this.client.giveBack(tenure);
    }
  }

  /** How the end of an element's work is told. */
  endingOf<T>(element: OnceElement): Ending<T> {
    const { name, job, retentionMs, maxResultBytes, fingerprint, unknownIf } = element;
    const { holder } = this.client;
    const processed = { kind: 'processed', job, holder, retentionMs, fingerprint } as const;
    return {
      failed: (error) => (isUnknown(error, unknownIf) ? undefined : { kind: 'open', job }),
      succeeded: (result) => {
        if (maxResultBytes === 0) return { outcome: processed };
        const { text, problem } = resultTextOf(result, maxResultBytes);
        if (problem === undefined) return { outcome: { ...processed, result: text } };
        const error = new ResultNotStoredError(name, problem, result);
        return { outcome: { ...processed, resultMissing: problem }, error };
      },
    };
  }

  private async decisionOn(
    { name, job, onUnknown, context }: OnceElement,
    record: OutcomeRecord,
    tenure: Tenure,
  ): Promise<OutcomeDecision> {
    if (typeof onUnknown !== 'function') return onUnknown;
    try {
      const decision: unknown = await onUnknown({ ...context, name, job, record });
      if (decision === 'retry' || decision === 'hold' || decision === 'processed') return decision;
      throw new LockOptionsError(
        `"onUnknown" of "${name}" gave ${describeValue(decision)}; return 'retry', 'hold' or 'processed'.`,
      );
    } catch (error) {
      this.client.giveBack(tenure);
      throw error;
    }
  }

  private replay<T>({ name, maxResultBytes }: OnceElement, record: OutcomeRecord): T | undefined {
    const { resultMissing, result, attempts } = record;
    const { holder = null } = attempts.at(-1) ?? {};
    this.emit({ type: 'skipped', name, reason: 'processed', holder, isMissed: false });
    if (maxResultBytes === 0) return undefined;
    if (resultMissing !== undefined) throw new ResultNotStoredError(name, resultMissing);
    return result === undefined ? undefined : (JSON.parse(result) as T);
  }

  private tellUnknown(
    { name, job }: OnceElement,
    record: OutcomeRecord,
    decision: OutcomeDecision,
  ): void {
    this.emit({ type: 'outcome-unknown', name, job, record, decision });
  }

  private get store(): OutcomeStore {
    return outcomesOf(this.client);
  }
}

function requestOf({ job, fingerprint, onUnknown, retentionMs }: OnceElement): OnceRequest {
  const isFunction = typeof onUnknown === 'function';
  // What would be done again in any case need not be kept for ever.
  const keepMs = onUnknown === 'retry' ? retentionMs : Infinity;
  return { job, fingerprint, onUnknown: isFunction ? 'ask' : onUnknown, keepMs };
}

/** Where that cannot be told, nobody knows. */
function isUnknown(error: unknown, unknownIf: OnceElement['unknownIf']): boolean {
  try {
    return unknownIf !== undefined && Boolean(unknownIf(error));
  } catch {
    return true;
  }
}

/** @throws LockOptionsError if the store keeps none */
export function outcomesOf({ outcomes, limits }: LockClient): OutcomeStore {
  if (outcomes) return outcomes;
  throw new LockOptionsError(limits.once!);
}
