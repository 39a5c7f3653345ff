import type {
  AcquireReply,
  LeaseRecord,
  NameRecord,
  LockStore,
  ReleaseOutcome,
  RenewReply,
  RenewRequest,
} from '../stores/lock-store.interface.js';
import type { OutcomeStore } from '../stores/outcome.interface.js';

/**
 * A store that grants every lock to everybody: decorators and services work, and nothing is locked.
 *
 * @example
 * LockModule.forRoot({ store: new UnlockedStore() })
 */
export class UnlockedStore implements LockStore {
  readonly description = 'no store: locks are switched off';
  readonly notices = [];
  /** Nothing is known of any outcome, so that whatever is to be done once is done whenever it is asked for. */
  readonly outcomes: OutcomeStore = {
    read: async () => null,
    resolve: async () => 'none',
    clear: async () => false,
    names: async () => ({ names: [] }),
    count: async () => ({ processed: 0, begun: 0 }),
  };
  private lastToken = 0;

  async connect(): Promise<void> {}

  async acquire(): Promise<AcquireReply> {
    const fencingToken = ++this.lastToken;
    return { status: 'granted', fencingToken, lastToken: fencingToken, isWaitedFor: false };
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    return requests.map(() => 'renewed');
  }

  async transfer(): Promise<RenewReply> {
    return 'renewed';
  }

  async release(): Promise<ReleaseOutcome> {
    return 'released';
  }

  async inspect(): Promise<NameRecord> {
    return { holders: [], waiting: 0, permits: 0 };
  }

  async forceRelease(): Promise<readonly LeaseRecord[]> {
    return [];
  }

  async close(): Promise<void> {}
}
