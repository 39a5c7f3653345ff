import type { AcquireReply, ReleaseRequest, Subject } from '../lock-store.interface.js';
import { DamagedOutcomeError } from '../damaged-outcome.error.js';
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
import { isScanCursor, parseCursor } from '../outcome-cursor.js';
import type { TagRegister } from './tag-register.js';
import { BUCKET_TAGS, keysOf, listKeysOf, ownTag, recordKeyOf, tagOf } from './redis-keys.js';
import type { StepBatcher } from './step-batcher.js';

/** How many tags a page of names covers, which is what travels in one script; and how many names of each. */
const TAGS_AT_ONCE = 64;
const NAMES_OF_A_TAG = 250;

const POLICIES: Record<OnceRequest['onUnknown'], number> = { retry: 0, hold: 1, ask: 2 };
const REFUSALS = { 2: 'processed', 3: 'unknown', 4: 'mismatch' } as const;

type ListReply = [processed: number, begun: number, cursor: string, ...names: string[]];

/** Where a listing goes on: at these tags, and then after this one, in the order of their texts. */
interface Position {
  readonly after: string;
  readonly open: readonly (readonly [tag: string, cursor: string])[];
}

function isPosition(value: unknown): value is Position {
  const { after, open } = (value ?? {}) as Partial<Record<keyof Position, unknown>>;
  const isOpen = (each: unknown): boolean =>
    Array.isArray(each) && typeof each[0] === 'string' && isScanCursor(each[1]);
  return typeof after === 'string' && Array.isArray(open) && open.every(isOpen);
}

/** What has become of elements that are done once, beside the leases of their names. */
export class RedisOutcomes implements OutcomeStore {
  constructor(
    private readonly steps: StepBatcher,
    private readonly prefix: string,
    private readonly tags: TagRegister,
    private readonly groupOf: (tag: string) => string,
  ) {}

  /** Turns the step of an acquire into one that begins something once. */
  begin(name: string, spec: string, owner: string, once: OnceRequest): string[] {
    const { job, fingerprint = '', onUnknown, keepMs } = once;
    return [
      `o${spec.slice(1)} ${POLICIES[onUnknown]} ${endless(keepMs)}`,
      owner,
      name,
      job,
      fingerprint,
    ];
  }

  /** Turns the step of a release into one that tells the outcome, too. */
  end(
    { name, owner, minHoldMs = 0, outcome }: ReleaseRequest & { outcome: Outcome },
    token: string,
  ) {
    const { tokenCounterTtlS } = keysOf(this.prefix, { name, kind: 'lock' });
    if (outcome.kind !== 'processed') {
      const hasRun = outcome.kind === 'open' ? 1 : 0;
      return [`u ${minHoldMs} ${tokenCounterTtlS} ${hasRun}`, owner, token, name];
    }
    const { job, retentionMs, fingerprint = '', result = '', resultMissing = '' } = outcome;
    const spec = `p ${minHoldMs} ${tokenCounterTtlS} ${endless(retentionMs)}`;
    return [spec, owner, token, name, job, fingerprint, result, resultMissing];
  }

  /** The keys of a step that begins something; its job can be found from now on. */
  async keysOf(name: string, job: string, keepMs: number): Promise<readonly string[]> {
    const tag = ownTag(name);
    if (tag !== undefined) await this.tags.add(job, tag, keepMs);
    return this.keys(name, job);
  }

  /** Of one that ends it: its tag was told when it began, and must not hold up the end where it cannot be told anew. */
  keysAtEnd(name: string, job: string, keepMs: number): readonly string[] {
    const tag = ownTag(name);
    if (tag !== undefined && keepMs > 0)
      void this.tags.add(job, tag, keepMs).catch(() => undefined);
    return this.keys(name, job);
  }

  async read(name: string): Promise<OutcomeRecord | null> {
    const parse = (reply: unknown): OutcomeRecord | null => {
      try {
        return toRecord(name, reply);
      } catch (error) {
        throw new DamagedOutcomeError(name, error);
      }
    };
    return this.step(name, '', ['q'], parse).catch((error: Error) => {
      const isTold = error.name === 'ReplyError' && error.message.startsWith('DAMAGED');
      throw isTold ? new DamagedOutcomeError(name, error) : error;
    });
  }

  resolve({ name, job, fencingToken, decision, retentionMs, holder }: ResolveRequest) {
    const spec = `v ${decision === 'processed' ? 1 : 0} ${endless(retentionMs)}`;
    const replies = { 1: 'resolved', 0: 'running', '-1': 'none' } as const;
    const parse = (reply: unknown) => replies[Number(reply) as keyof typeof replies];
    const args = [spec, name, String(fencingToken)];
    return this.step(name, job, args, parse, JSON.stringify(holder));
  }

  clear(name: string, job: string, state: 'processed' | 'unknown'): Promise<boolean> {
    return this.step(name, job, ['c', name, state, job], (reply) => Number(reply) === 1);
  }

  async names(job: string, which: 'processed' | 'begun', cursor?: string): Promise<NamesPage> {
    const { after, open } = cursor ? parseCursor(cursor, isPosition) : { after: '', open: [] };
    const all = await this.tagsOf(job);
    const begun = open.filter(([tag]) => all.includes(tag));
    const tags = all.filter((tag) => tag > after);
    const more = tags.slice(0, Math.max(0, TAGS_AT_ONCE - begun.length));
    const asked = [...begun, ...more.map((tag) => [tag, '0'] as const)];
    const pages = await Promise.all(
      asked.map(([tag, from]) => this.list(job, tag, which, from, NAMES_OF_A_TAG)),
    );
    const names = pages.flatMap(([, , , ...found]) => found);
    const left = asked.flatMap(([tag], i): Position['open'] => {
      const from = String(pages[i]![2]);
      return from === '0' ? [] : [[tag, from]];
    });
    const isEnd = left.length === 0 && more.length === tags.length;
    const position: Position = { after: more.at(-1) ?? after, open: left };
    return { names, cursor: isEnd ? undefined : JSON.stringify(position) };
  }

  async count(job: string): Promise<{ processed: number; begun: number }> {
    const tags = await this.tagsOf(job);
    const counts = await Promise.all(tags.map((tag) => this.list(job, tag, 'begun', '0', 0)));
    const sum = (index: 0 | 1): number =>
      counts.reduce((total, reply) => total + Number(reply[index]), 0);
    return { processed: sum(0), begun: sum(1) };
  }

  private async tagsOf(job: string): Promise<string[]> {
    return [...new Set([...BUCKET_TAGS, ...(await this.tags.of(job))])].sort();
  }

  private list(
    job: string,
    tag: string,
    which: 'processed' | 'begun',
    cursor: string,
    count: number,
  ): Promise<ListReply> {
    const args = [`x ${which === 'processed' ? 0 : 1} ${count}`, cursor];
    const keys = listKeysOf(this.prefix, tag, job);
    return this.steps.run(this.groupOf(tag), keys, args, (reply) => reply as ListReply);
  }

  private keys(name: string, job: string): readonly string[] {
    const subject: Subject = { name, kind: 'lock' };
    const { lease, queue, waiters, tokenCounter } = keysOf(this.prefix, subject);
    const lists = listKeysOf(this.prefix, tagOf(name), job);
    return [lease, queue, waiters, tokenCounter, recordKeyOf(this.prefix, name), ...lists];
  }

  private step<T>(
    name: string,
    job: string,
    args: string[],
    parse: (reply: unknown) => T,
    holder?: string,
  ): Promise<T> {
    const group = this.groupOf(tagOf(name));
    return this.steps.run(group, this.keys(name, job), args, parse, holder);
  }
}

const endless = (ms: number): number => (ms === Infinity ? 0 : ms);

/** What a script answers of an acquire but for leases: that it is not to be done. */
export function toRefusal(name: string, reply: unknown): AcquireReply | undefined {
  if (!Array.isArray(reply)) return undefined;
  const status = REFUSALS[Number(reply[0]) as keyof typeof REFUSALS];
  return status && { status, record: toRecord(name, reply[1])! };
}

/** A record as it is written, of texts only. */
interface StoredRecord {
  readonly job: string;
  readonly attempts: readonly [token: string, outcome: string, since: string, holder: string][];
  readonly expires: string;
  readonly done?: string;
  readonly fingerprint?: string;
  readonly result?: string;
  readonly missing?: string;
}

/** What a script tells of a record; `null` if there is none. */
export function toRecord(name: string, reply: unknown): OutcomeRecord | null {
  const [state, atWork, text] = (reply as unknown[]).map(String);
  if (text === undefined) return null;
  const tokens = new Set(atWork!.split(' '));
  const stored = JSON.parse(text) as StoredRecord;
  const { job, attempts, done, expires, fingerprint, result, missing } = stored;
  return {
    name,
    job,
    state: state as OutcomeState,
    attempts: attempts.map(([token, outcome, since, holder]): Attempt => {
      const open = tokens.has(token) ? 'running' : 'unknown';
      return {
        fencingToken: Number(token),
        holder: JSON.parse(holder) as Attempt['holder'],
        since: new Date(Number(since)),
        outcome: outcome === 'begun' ? open : (outcome as Attempt['outcome']),
      };
    }),
    processedAt: toDate(done),
    expiresAt: toDate(expires),
    fingerprint,
    result,
    resultMissing: missing,
  };
}

const toDate = (ms: string | undefined): Date | null =>
  Number(ms) > 0 ? new Date(Number(ms)) : null;
