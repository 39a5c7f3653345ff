import type { AcquireRequest, ReleaseRequest } from '../lock-store.interface.js';
import type {
  Attempt,
  NamesPage,
  OnceRequest,
  Outcome,
  OutcomeRecord,
  OutcomeState,
  OutcomeStore,
  ResolveRequest,
} from '../outcome.interface.js';
import type { MemoryName } from './memory-name.js';

interface StoredAttempt extends Omit<Attempt, 'outcome'> {
  readonly outcome: Exclude<Attempt['outcome'], 'running'> | 'started';
}

/** Whether somebody is at it is not stored: the leases tell. */
interface StoredRecord extends Omit<OutcomeRecord, 'name' | 'state' | 'attempts'> {
  readonly state: 'started' | 'processed';
  /** Of the attempt that began last. */
  readonly owner: string;
  readonly token: number;
  readonly attempts: readonly StoredAttempt[];
  /** By the store's clock, as leases are counted; `expiresAt` is only told. */
  readonly endsAt: number;
}

/** What outcomes need of their store. */
export interface OutcomeTools {
  now(): number;
  /** Who holds the name, and waits for it. */
  leasesOf(name: string): MemoryName | undefined;
}

const MOST_ATTEMPTS = 8;

/** Outcomes of what is done once: what the Redis scripts do, in the memory of a process. */
export class MemoryOutcomes implements OutcomeStore {
  private readonly records = new Map<string, StoredRecord>();
  private sweepAtSize = 1_000;

  constructor(private readonly tools: OutcomeTools) {}

  /** Why it is not to be done; asked before its name is taken. */
  refusal({ name, owner }: AcquireRequest, { fingerprint, onUnknown }: OnceRequest) {
    const stored = this.find(name);
    if (!stored) return undefined;
    const mine = this.tools.leasesOf(name)?.tokenOf(owner);
    if (stored.attempts.some(({ fencingToken }) => fencingToken === mine)) return undefined; // at work already
    const record = this.tell(name, stored);
    const former = stored.fingerprint;
    if (fingerprint !== undefined && former !== undefined && fingerprint !== former) {
      return { status: 'mismatch', record } as const;
    }
    if (record.state === 'processed') return { status: 'processed', record } as const;
    if (record.state === 'unknown' && onUnknown === 'hold') {
      return { status: 'unknown', record } as const;
    }
    return undefined;
  }

  /** Records that who was given the name has begun; tells what an earlier attempt has left behind. */
  begin(request: AcquireRequest, once: OnceRequest, token: number): OutcomeRecord | undefined {
    const { name, owner, holder } = request;
    const former = this.find(name);
    const isAgain = former?.attempts.some(({ fencingToken }) => fencingToken === token);
    if (isAgain) return undefined; // because an answer never came
    const told = former && this.tell(name, former);
    const unknown = told?.state === 'unknown' ? told : undefined;
    if (unknown && once.onUnknown === 'ask') return unknown;
    const left = (former?.attempts ?? []).map((each) =>
      each.outcome === 'started' ? ({ ...each, outcome: 'unknown' } as const) : each,
    );
    const attempt = { fencingToken: token, holder, since: new Date(), outcome: 'started' } as const;
    this.put(name, {
      job: once.job,
      state: 'started',
      owner,
      token,
      attempts: [...left, attempt],
      processedAt: null,
      fingerprint: once.fingerprint ?? former?.fingerprint,
      // What an earlier try has left behind is not forgotten sooner because of this one.
      ...this.expiryIn(former?.endsAt === Infinity ? Infinity : once.keepMs),
    });
    return unknown;
  }

  /** Records what a release tells, before it; `true` if it had been told, and the lease was ours then. */
  settle(request: ReleaseRequest, outcome: Outcome): boolean {
    if (outcome.kind === 'processed') return this.mark(request, outcome);
    this.leaveOpen(request, outcome.kind === 'open');
    return false;
  }

  async read(name: string): Promise<OutcomeRecord | null> {
    const stored = this.find(name);
    return stored ? this.tell(name, stored) : null;
  }

  async resolve(request: ResolveRequest): Promise<'resolved' | 'running' | 'none'> {
    const { name, fencingToken, decision, retentionMs, holder } = request;
    const record = this.find(name);
    if (!record || record.state === 'processed' || record.token !== fencingToken) return 'none';
    if (this.stateOf(name, record) === 'running') return 'running';
    if (decision === 'retry') {
      this.records.delete(name);
    } else {
      const since = new Date();
      const attempt = { fencingToken: 0, holder, since, outcome: 'resolved' } as const;
      this.put(name, {
        ...record,
        state: 'processed',
        attempts: [...record.attempts, attempt],
        processedAt: since,
        ...this.expiryIn(retentionMs),
      });
    }
    return 'resolved';
  }

  async clear(name: string, job: string, state: 'processed' | 'unknown'): Promise<boolean> {
    const record = this.find(name);
    if (!record || record.job !== job || this.stateOf(name, record) !== state) return false;
    return this.records.delete(name);
  }

  async names(job: string, which: 'processed' | 'begun'): Promise<NamesPage> {
    return { names: this.namesOf(job, which) };
  }

  async count(job: string): Promise<{ readonly processed: number; readonly begun: number }> {
    const countOf = (which: 'processed' | 'begun') => this.namesOf(job, which).length;
    return { processed: countOf('processed'), begun: countOf('begun') };
  }

  private leaveOpen({ name, owner, fencingToken }: ReleaseRequest, hasRun: boolean): void {
    const record = this.find(name);
    if (!record) return;
    const isToken = fencingToken === undefined || fencingToken === record.token;
    if (record.state === 'started' && record.owner === owner && isToken) {
      if (hasRun) this.records.delete(name);
      else this.takeBack(name, record);
      return;
    }
    const attempt = record.attempts.find((each) => each.fencingToken === fencingToken);
    if (attempt?.outcome === 'started' || attempt?.outcome === 'unknown') {
      const attempts = replace(record.attempts, attempt, { ...attempt, outcome: 'failed' });
      this.put(name, { ...record, attempts });
    }
  }

  /** What was known before the last attempt is what is known. */
  private takeBack(name: string, record: StoredRecord): void {
    const attempts = record.attempts.filter(({ fencingToken }) => fencingToken !== record.token);
    const former = attempts.findLast(({ outcome }) => outcome === 'unknown');
    if (!former) this.records.delete(name);
    else this.put(name, { ...record, attempts, token: former.fencingToken, owner: '' });
  }

  private mark(
    { name, owner, fencingToken }: ReleaseRequest,
    told: Extract<Outcome, { kind: 'processed' }>,
  ): boolean {
    const held = this.tools.leasesOf(name)?.tokenOf(owner);
    const token = fencingToken ?? held ?? 0;
    const former = this.find(name);
    const attempt = former?.attempts.find((each) => each.fencingToken === token);
    if (attempt?.outcome === 'processed' || attempt?.outcome === 'late') {
      return attempt.outcome === 'processed';
    }
    const now = new Date();
    const ended: StoredAttempt = {
      ...(attempt ?? { fencingToken: token, holder: told.holder, since: now }),
      outcome: held === token ? 'processed' : 'late',
    };
    const attempts = replace(former?.attempts ?? [], attempt, ended);
    const expiry = this.expiryIn(told.retentionMs);
    if (former?.state === 'processed') {
      const isLonger = expiry.endsAt > former.endsAt;
      this.put(name, { ...former, attempts, ...(isLonger ? expiry : {}) });
    } else {
      this.put(name, {
        ...(former ?? { job: told.job, owner, token }),
        state: 'processed',
        attempts,
        processedAt: now,
        fingerprint: told.fingerprint ?? former?.fingerprint,
        result: told.result,
        resultMissing: told.resultMissing,
        ...expiry,
      });
    }
    return false;
  }

  private stateOf(
    name: string,
    { state, token }: StoredRecord,
    held = this.heldTokens(name),
  ): OutcomeState {
    if (state === 'processed') return 'processed';
    return held.has(token) ? 'running' : 'unknown';
  }

  private heldTokens(name: string): ReadonlySet<number> {
    return this.tools.leasesOf(name)?.heldTokens() ?? new Set();
  }

  private tell(name: string, record: StoredRecord): OutcomeRecord {
    const { job, processedAt, expiresAt, fingerprint, result, resultMissing } = record;
    const held = this.heldTokens(name); // once: a lease may end meanwhile
    const state = this.stateOf(name, record, held);
    const attempts = record.attempts.map(({ outcome, ...attempt }): Attempt => {
      if (outcome !== 'started') return { ...attempt, outcome };
      return { ...attempt, outcome: held.has(attempt.fencingToken) ? 'running' : 'unknown' };
    });
    const told = { processedAt, expiresAt, fingerprint, result, resultMissing };
    return { name, job, state, attempts, ...told };
  }

  private find(name: string): StoredRecord | undefined {
    const record = this.records.get(name);
    if (record && record.endsAt <= this.tools.now()) this.records.delete(name);
    return this.records.get(name);
  }

  private put(name: string, record: StoredRecord): void {
    if (!this.records.has(name)) this.sweep();
    this.records.set(name, { ...record, attempts: record.attempts.slice(-MOST_ATTEMPTS) });
  }

  private namesOf(job: string, which: 'processed' | 'begun'): string[] {
    const isAsked = (record: StoredRecord | undefined) =>
      record?.job === job && (record.state === 'processed') === (which === 'processed');
    return [...this.records.keys()].filter((name) => isAsked(this.find(name)));
  }

  private expiryIn(ms: number) {
    const expiresAt = Number.isFinite(ms) ? new Date(Date.now() + ms) : null;
    return { endsAt: this.tools.now() + ms, expiresAt };
  }

  /** Nobody asks again for most records that expired: they go when the map has doubled. */
  private sweep(): void {
    if (this.records.size < this.sweepAtSize) return;
    for (const name of this.records.keys()) this.find(name);
    this.sweepAtSize = Math.max(1_000, this.records.size * 2);
  }
}

/** With an attempt in the place of a former one, or at the end. */
function replace(
  attempts: readonly StoredAttempt[],
  former: StoredAttempt | undefined,
  attempt: StoredAttempt,
): StoredAttempt[] {
  if (!former) return [...attempts, attempt];
  return attempts.map((each) => (each === former ? attempt : each));
}
