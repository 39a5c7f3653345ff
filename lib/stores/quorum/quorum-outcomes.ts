import type { Clock } from '../../core/clock.js';
import type {
  AcquireReply,
  AcquireRequest,
  ReleaseOutcome,
  ReleaseRequest,
} from '../lock-store.interface.js';
import type {
  NamesPage,
  OnceRequest,
  Outcome,
  OutcomeRecord,
  OutcomeStore,
  ResolveRequest,
} from '../outcome.interface.js';
import type { Electorate } from './electorate.js';
import { type Begun, beginOnce, refuses, verdictOf } from './once-beginning.js';
import {
  authorOf,
  clearance,
  decision,
  failure,
  lateness,
  success,
  unbegun,
} from './outcome-changes.js';
import { countOf, type Listing, namesOf } from './outcome-lists.js';
import { OutcomeReading } from './outcome-reading.js';
import { attemptWith, isProcessed, type OutcomeEntry, textOf } from './outcome-record.js';
import { OutcomeWriter } from './outcome-writer.js';
import type { Known } from './record-write.js';

/** Of so many that are begun it is remembered what the nodes have, so that their end needs no question first. */
const MOST_REMEMBERED = 10_000;

/** How the lease is taken and given back under which something is done once. */
export interface LeaseSteps {
  acquire(request: AcquireRequest): Promise<AcquireReply>;
  release(request: ReleaseRequest): Promise<ReleaseOutcome>;
}

/** Outcomes of what is done once, each on a majority of the nodes. */
export class QuorumOutcomes implements OutcomeStore {
  private readonly writer: OutcomeWriter;
  private readonly listing: Listing;
  /** By owner. */
  private readonly begun = new Map<string, Known>();

  constructor(
    private readonly electorate: Electorate,
    clock: Clock,
    private readonly leases: LeaseSteps,
  ) {
    this.writer = new OutcomeWriter(electorate, clock, () => this.now);
    this.listing = { electorate, read: (name) => this.read(name) };
  }

  /** Takes the name and records that its element is begun, unless it is not to be done. */
  async begin(request: AcquireRequest, once: OnceRequest): Promise<AcquireReply> {
    const { name, holder, registration, owner: asker } = request;
    const { now } = this;
    const reading = await this.reading(name);
    const isAtWork = (token: number): boolean => reading.mayHold(token);
    const isMine = attemptWith(reading.entry, reading.tokenOf(asker) ?? 0) !== undefined;
    const verdict = verdictOf(reading.entry, once, now, isAtWork);
    if (refuses(verdict) && !isMine) {
      this.writer.mend(name, reading);
      if (registration || asker.includes('.')) await this.giveUp(request);
      return { status: verdict, record: reading.record! };
    }
    const { once: _, ...plain } = request;
    const reply = await this.leases.acquire(plain);
    if (reply.status !== 'granted') return reply;
    const { fencingToken: token, owner = asker } = reply;
    const asked = { name, token, owner, holder, once, now };
    // Who was at it has ended since, and has told how.
    const isOutdated = verdictOf(reading.entry, once, now, () => false) !== 'begin';
    let begun: Begun;
    try {
      const known = isOutdated ? await this.reading(name) : reading;
      begun = await beginOnce(asked, known, this.writer);
    } catch (error) {
      // A lock under which nothing can begin is of no use; who asks again must not meet it.
      void this.giveUp({ ...request, owner });
      throw error;
    }
    if (begun.refusal) {
      await this.giveUp({ ...request, owner: asker });
      return begun.refusal;
    }
    this.remember(owner, begun.known);
    return begun.unknown ? { ...reply, unknown: begun.unknown } : reply;
  }

  /** Tells what became of an element, and then gives back the lock: not before a majority knows. */
  async end(request: ReleaseRequest, outcome: Outcome): Promise<ReleaseOutcome> {
    if (outcome.kind === 'processed') return this.succeed(request, outcome);
    const { name, owner, fencingToken: token } = request;
    try {
      this.recollect(owner);
      // Somebody may have taken over since it began.
      const known = await this.reading(name);
      const meant = { owner, token };
      const change = outcome.kind === 'open' ? failure(meant, this.now) : unbegun(meant);
      if (textOf(change(known.entry)) !== textOf(known.entry)) {
        await this.writer.tell(name, change, known);
      }
    } catch (error) {
      // What never ran is in nobody's way.
      if (outcome.kind === 'unbegun') await this.leases.release(request).catch(() => undefined);
      throw error;
    }
    return this.leases.release(request);
  }

  private async succeed(
    request: ReleaseRequest,
    told: Extract<Outcome, { kind: 'processed' }>,
  ): Promise<ReleaseOutcome> {
    const { name, owner } = request;
    const known = this.recollect(owner) ?? (await this.reading(name));
    const token = request.fencingToken ?? tokenOf(known.entry, owner) ?? 0;
    const before = attemptWith(known.entry, token);
    const change = success({ token, owner, now: this.now, told });
    const write = await this.writer.tell(name, change, known);
    const found = await this.leases.release(request);
    if (before && isProcessed(before)) return before.rank === 'processed' ? 'released' : found;
    if (found !== 'released') await this.writer.tell(name, lateness(token), write);
    return found;
  }

  async read(name: string): Promise<OutcomeRecord | null> {
    const reading = await this.reading(name);
    this.writer.mend(name, reading);
    return reading.record;
  }

  async resolve(request: ResolveRequest): Promise<'resolved' | 'running' | 'none'> {
    const { name, fencingToken } = request;
    const { now } = this;
    const reading = await this.reading(name);
    const { last, processed } = reading.standing;
    if (!last || processed.length > 0 || last.token !== fencingToken) return 'none';
    if (reading.mayHold(last.token)) return 'running';
    const isOver = (learned: OutcomeEntry): boolean =>
      learned.attempts.some(
        (each) =>
          each.token > fencingToken ||
          (each.token === fencingToken && each.rank !== 'begun' && !each.isDecision),
      );
    const change = decision(request, now);
    const write = this.writer.write(name, change, reading, { refuses: isOver });
    const result = await write.run();
    if (result === 'done') await this.writer.finish(name, write);
    return result === 'done' ? 'resolved' : 'none';
  }

  async clear(name: string, job: string, state: 'processed' | 'unknown'): Promise<boolean> {
    const reading = await this.reading(name);
    const { record, entry } = reading;
    if (record?.job !== job || record.state !== state) return false;
    const write = await this.writer.tell(name, clearance(entry), reading);
    await this.writer.finish(name, write);
    return true;
  }

  names(job: string, which: 'processed' | 'begun', cursor?: string): Promise<NamesPage> {
    return namesOf(this.listing, job, which, cursor);
  }

  count(job: string): Promise<{ readonly processed: number; readonly begun: number }> {
    return countOf(this.listing, job);
  }

  /** A node can be asked that could not be. */
  payOwed(): void {
    void this.writer.payOwed();
  }

  flush(): Promise<void> {
    return this.writer.flush();
  }

  private reading(name: string): Promise<OutcomeReading> {
    return OutcomeReading.of(name, this.electorate, () => this.now);
  }

  private async giveUp({ name, kind, owner }: AcquireRequest): Promise<void> {
    await this.leases.release({ name, kind, owner }).catch(() => undefined);
  }

  private remember(owner: string, { entry, texts }: Known): void {
    this.begun.set(owner, { entry, texts });
    if (this.begun.size > MOST_REMEMBERED) this.begun.delete(this.begun.keys().next().value!);
  }

  private recollect(owner: string): Known | undefined {
    const known = this.begun.get(owner);
    this.begun.delete(owner);
    return known;
  }

  private get now(): number {
    return this.electorate.clocks.votersTime();
  }
}

/** Of what this owner has begun last. */
function tokenOf({ attempts }: OutcomeEntry, owner: string): number | undefined {
  const by = authorOf(owner);
  return attempts.findLast((each) => each.by === by && !each.isDecision)?.token;
}
