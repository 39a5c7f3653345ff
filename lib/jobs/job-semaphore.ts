import type { LockClient } from '../core/lock-client.js';
import type { Lock } from '../core/lock.js';
import { LONGEST_LABEL } from '../core/acquire-options.js';
import type { PermitOptions, Semaphore } from '../core/semaphore.js';
import { LockOptionsError, LockReleasedError, LockStoreError } from '../lock.errors.js';
import type { Job } from './job.js';

/**
 * Bounds how many elements of a job are being done at once, over all processes: its `concurrency`.
 *
 * Every permit has a lease of its own, so a crash gives it back.
 *
 * @example
 * if (!(await semaphore.tryAcquire(INVOICES))) return;
 * try {
 *   await submit(invoice);
 * } finally {
 *   await semaphore.release(INVOICES);
 * }
 */
export class JobSemaphore {
  /** The permits that this process has of each job, the oldest first. */
  private readonly permits = new Map<string, Lock[]>();

  /** @internal */
  constructor(private readonly tools: { readonly client: LockClient }) {}

  /**
   * Takes a permit if one is free and nobody waits for it, and never waits.
   *
   * @throws LockOptionsError if the job has no `concurrency`
   * @throws LockStoreError if the store does not answer; LockDrainingError at shutdown
   * @example
   * if (await semaphore.tryAcquire(INVOICES)) await submit(invoice);
   */
  async tryAcquire(job: Job<any>): Promise<boolean> {
    const permit = await this.semaphoreOf(job).tryAcquire(optionsOf(job));
    return this.keep(job, permit);
  }

  /**
   * Takes a permit, waiting in the queue while all are taken.
   *
   * @throws LockTimeoutError when the wait has ended, LockAbortedError if `signal` aborts first
   * @throws as `tryAcquire` does
   * @example
   * await semaphore.acquire(INVOICES, { wait: '1 minute' });
   */
  async acquire(
    job: Job<any>,
    options: Pick<PermitOptions, 'wait' | 'signal' | 'onWaiting'> = {},
  ): Promise<void> {
    this.keep(job, await this.semaphoreOf(job).acquire({ ...optionsOf(job), ...options }));
  }

  /**
   * Gives a permit of this process back. Of those that it has, one that was lost goes first: what
   * somebody may still work under is never given away.
   *
   * Never fails for want of an answer, so that in a `finally` it hides no error of the work; the
   * release then goes on in the background.
   *
   * @throws LockReleasedError if this process has none
   * @example
   * await semaphore.release(INVOICES);
   */
  async release(job: Job<any>): Promise<void> {
    const permits = this.permits.get(job.name) ?? [];
    if (permits.length === 0) {
      const message = `This process has no permit of job "${job.name}": acquire one first, and release it once.`;
      throw new LockReleasedError(job.name, message);
    }
    const lost = permits.findIndex((permit) => !permit.isHeld);
    const [permit] = permits.splice(Math.max(0, lost), 1);
    try {
      await permit!.release();
    } catch (error) {
      if (!(error instanceof LockStoreError)) throw error; // told as an event
    }
  }

  private keep(job: Job<any>, permit: Lock | null): boolean {
    if (!permit) return false;
    const permits = this.permits.get(job.name) ?? [];
    this.permits.set(job.name, permits);
    permits.push(permit);
    return true;
  }

  private semaphoreOf({ name, concurrency }: Job<any>): Semaphore {
    if (concurrency !== undefined) return this.tools.client.semaphore(name, concurrency);
    throw new LockOptionsError(
      `Job "${name}" has no "concurrency": write how many of its elements may be done at once.`,
    );
  }
}

/** An element's own bounds on how long it is held are no permit's. */
const optionsOf = ({ name, acquireOptions: { ttl } }: Job<any>) => ({
  label: name.slice(0, LONGEST_LABEL),
  ...(ttl !== undefined && { ttl }),
});
