import type {
  AcquireReply,
  LeaseRecord,
  LockStore,
  ReleaseOutcome,
  RenewReply,
  RenewRequest,
} from '../stores/lock-store.interface.js';

/**
 * A store that grants every lock to everybody: decorators and services work, and nothing is locked.
 *
 * @example
 * LockModule.forRoot({ store: new UnlockedStore() })
 */
export class UnlockedStore implements LockStore {
  readonly description = 'no store: locks are switched off';
  readonly notices = [];
  private lastToken = 0;

  async connect(): Promise<void> {}

  async acquire(): Promise<AcquireReply> {
    return { status: 'granted', fencingToken: ++this.lastToken };
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    return requests.map(() => 'renewed');
  }

  async release(): Promise<ReleaseOutcome> {
    return 'released';
  }

  async inspect(): Promise<LeaseRecord | null> {
    return null;
  }

  async forceRelease(): Promise<LeaseRecord | null> {
    return null;
  }

  async close(): Promise<void> {}
}
