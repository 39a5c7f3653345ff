import {
  type AcquireOptions,
  refuseUnknownOptions,
  resolveAcquireOptions,
} from '../core/acquire-options.js';
import { describeValue } from '../core/describe-value.js';
import type { Duration } from '../core/duration.js';
import { checkLockName } from '../core/lock-name.js';
import { checkPermits } from '../core/semaphore.js';
import { escapeAtEnd } from '../key-template.js';
import { textInName } from '../key-value-text.js';
import { LockKeyError, type LockLostError, LockOptionsError } from '../lock.errors.js';
import {
  checkJobName,
  type OnceTerms,
  type ResolvedTerms,
  resolveTerms,
  TERMS,
} from './once-options.js';

/**
 * What a job is, and how its elements are locked.
 *
 * @example
 * const options: JobOptions<Invoice> = { name: 'invoice', id: ({ number }) => number, concurrency: 4 };
 */
export interface JobOptions<Element> extends OnceTerms<Element> {
  /** What its elements' names begin with. */
  readonly name: string;
  /** Tells an element's id. Default: the element itself if it is a text or a number, else its `id`. */
  readonly id?: (element: Element) => unknown;
  /** How many may be at it at once, over all processes: the permits of `JobSemaphore`. */
  readonly concurrency?: number;
  /** Of an element's lease, and of a permit. Default: the module's. */
  readonly ttl?: Duration;
  /** The longest an element may be held. Default: no bound. */
  readonly maxHold?: Duration;
  /** How long an element stays taken at least. Default: 0. */
  readonly minHold?: Duration;
  /** Called when the lock was lost before the end was told, instead of failing with `LockLostError`. */
  readonly compensate?: (loss: LockLostError, element: Element) => unknown;
}

const KNOWN = new Set([
  'name',
  'id',
  'concurrency',
  'ttl',
  'maxHold',
  'minHold',
  'compensate',
  ...TERMS,
]);

/**
 * A kind of work that is done for many elements, once for each.
 *
 * Its elements are the names `<job>:<id>`, the same that `@Locked('<job>:<id>', { once })` makes.
 *
 * @throws LockOptionsError if an option is wrong
 * @example
 * export const INVOICES = new Job<Invoice>({
 *   name: 'invoice',
 *   id: (invoice) => invoice.number,
 *   concurrency: 4,
 *   onUnknown: 'hold',
 * });
 */
export class Job<Element = string | number> {
  readonly name: string;
  readonly concurrency: number | undefined;
  /** @internal */
  readonly terms: ResolvedTerms;
  /** @internal */
  readonly acquireOptions: AcquireOptions;
  /** @internal */
  readonly compensate: JobOptions<Element>['compensate'];
  private readonly idOf: (element: Element) => unknown;

  constructor(options: JobOptions<Element>) {
    refuseUnknownOptions(options, KNOWN, 'Job');
    const { name, id = defaultId, concurrency, ttl, maxHold, minHold, compensate } = options;
    checkJobName(name, 'Job: "name"');
    const what = `Job "${name}"`;
    for (const [key, value] of Object.entries({ id, compensate })) {
      if (value === undefined || typeof value === 'function') continue;
      throw new LockOptionsError(`${what}: "${key}" is ${describeValue(value)}; write a function.`);
    }
    if (concurrency !== undefined) checkPermits(concurrency, 1, what, 'concurrency');
    const times = { ttl, maxHold, minHold };
    this.acquireOptions = Object.fromEntries(
      Object.entries(times).filter(([, value]) => value !== undefined),
    );
    resolveAcquireOptions(this.acquireOptions, { ttlMs: 0, waitMs: 0 }, () => what);
    this.terms = resolveTerms(options, what);
    this.name = name;
    this.concurrency = concurrency;
    this.compensate = compensate;
    this.idOf = id;
  }

  /**
   * The name of an element's lock.
   *
   * @throws LockKeyError if its id is missing, empty or has no text
   * @example
   * INVOICES.nameOf(invoice); // 'invoice:42'
   */
  nameOf(element: Element): string {
    const id = textInName(this.idOf(element), (problem, cause) => {
      const error = `Job "${this.name}": the id of ${describeValue(element)} ${problem}`;
      throw new LockKeyError(error, cause === undefined ? {} : { cause });
    });
    return checkLockName(`${this.name}:${escapeAtEnd(id)}`);
  }
}

function defaultId(element: unknown): unknown {
  return typeof element === 'object' && element !== null && 'id' in element ? element.id : element;
}
