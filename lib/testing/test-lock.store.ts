import { randomUUID } from 'node:crypto';
import type { Duration } from '../core/duration.js';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseRecord,
  NameRecord,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
  Subject,
} from '../stores/lock-store.interface.js';
import { MemoryLockStore } from '../stores/memory/memory-lock.store.js';
import { ManualClock } from './manual.clock.js';

/**
 * The steps of a store that can be made to fail.
 *
 * @example
 * const step: FailableStep = 'release';
 */
export type FailableStep = 'acquire' | 'renew' | 'release' | 'inspect' | 'forceRelease';

/**
 * How a step fails.
 *
 * @example
 * store.fail('acquire', { times: 2, error: new Error('connection lost'), applied: true });
 */
export interface FailureOptions {
  /** How often. Default: 1. */
  readonly times?: number;
  /** What the step rejects with; `'hang'` never answers. Default: an Error. */
  readonly error?: Error | 'hang';
  /** Whether the step takes place all the same, and only its answer is lost. Default: false. */
  readonly applied?: boolean;
}

const SOMEBODY = { service: 'somebody-else', host: 'elsewhere', pid: 1 };
const LONG = 2 ** 31 - 1;

const lockNamed = (name: string): Subject => ({ name, kind: 'lock' });

/**
 * A store for tests: in memory, on a clock that the test moves, with faults on demand.
 *
 * @example
 * const store = new TestLockStore();
 * const app = await Test.createTestingModule({
 *   imports: [LockModule.forRoot({ store })],
 *   providers: [InvoiceService],
 * }).compile();
 * await app.init();
 *
 * await store.busy('invoice:42');
 * const issued = app.get(InvoiceService).issue(invoice).catch((error) => error);
 * await store.clock.advance('5s'); // the wait is over
 * expect(await issued).toBeInstanceOf(LockTimeoutError);
 */
export class TestLockStore extends MemoryLockStore {
  override readonly description = 'test store';
  override readonly notices = [];
  declare readonly clock: ManualClock;

  private readonly others = new Map<string, string>();
  private readonly failures = new Map<FailableStep, Required<FailureOptions>[]>();

  /** @param clock what its leases and the service's timers are counted by; stands still by default */
  constructor(clock: ManualClock = new ManualClock()) {
    super(clock);
  }

  /**
   * Has somebody else hold the name, until `free`.
   *
   * @throws Error if the application holds it: use `forceLose`
   * @example
   * await store.busy('invoice:42');
   */
  async busy(name: string): Promise<void> {
    const { holders } = await super.inspect(lockNamed(name));
    if (holders.length > 0) throw new Error(`busy("${name}"): it is held already`);
    this.giveToSomebody(name);
  }

  /**
   * Has somebody else give the name back.
   *
   * @example
   * await store.free('invoice:42');
   */
  async free(name: string): Promise<void> {
    const owner = this.others.get(name);
    if (owner) await super.release({ ...lockNamed(name), owner });
    this.others.delete(name);
  }

  /**
   * Takes the name from the application and gives it to somebody else, then lets the time pass
   * until the holder has noticed, with its next renewal or at its deadline.
   *
   * @throws Error if the application does not hold it
   * @example
   * await store.forceLose('invoice:42');
   * expect(lock.signal.aborted).toBe(true);
   */
  async forceLose(name: string): Promise<void> {
    const [lease] = (await super.inspect(lockNamed(name))).holders;
    if (!lease || this.others.has(name)) {
      throw new Error(`forceLose("${name}"): the application does not hold it`);
    }
    this.giveToSomebody(name);
    await this.clock.advance(Math.ceil(lease.remainingMs) as Duration);
  }

  private giveToSomebody(name: string): void {
    const owner = randomUUID();
    const exclusive = { units: 0, permits: 0, tokens: 1 };
    this.seize({ ...lockNamed(name), ...exclusive, owner, ttlMs: LONG, holder: SOMEBODY });
    this.others.set(name, owner);
  }

  /**
   * Makes the next calls of one step fail.
   *
   * @example
   * store.fail('release', { error: 'hang' });
   */
  fail(step: FailableStep, options: FailureOptions = {}): void {
    const { times = 1, error = new Error(`${step} was made to fail`), applied = false } = options;
    const queue = this.failures.get(step) ?? [];
    this.failures.set(step, queue);
    for (let i = 0; i < times; i++) queue.push({ times, error, applied });
  }

  override acquire(request: AcquireRequest): Promise<AcquireReply> {
    return this.attempt('acquire', () => super.acquire(request));
  }

  override renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    return this.attempt('renew', () => super.renew(requests));
  }

  override release(request: ReleaseRequest): Promise<ReleaseOutcome> {
    return this.attempt('release', () => super.release(request));
  }

  override inspect(subject: Subject): Promise<NameRecord> {
    return this.attempt('inspect', () => super.inspect(subject));
  }

  override forceRelease(subject: Subject, token?: number): Promise<readonly LeaseRecord[]> {
    return this.attempt('forceRelease', () => {
      this.others.delete(subject.name);
      return super.forceRelease(subject, token);
    });
  }

  private async attempt<T>(step: FailableStep, take: () => Promise<T>): Promise<T> {
    const failure = this.failures.get(step)?.shift();
    if (!failure) return take();
    if (failure.applied) await take();
    if (failure.error === 'hang') return new Promise(() => undefined);
    throw failure.error;
  }
}
