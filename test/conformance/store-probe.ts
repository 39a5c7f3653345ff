import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type {
  AcquireReply,
  AcquireRequest,
  HandOver,
  LockStore,
  NameKind,
  ReleaseRequest,
} from 'nestjs-locker';
import { until } from '../support/until.js';

/** A store under test, and how its time passes. */
export interface StoreUnderTest {
  readonly store: LockStore;
  /** Lets at least so many milliseconds of the store's time pass. */
  readonly pass: (ms: number) => Promise<unknown>;
  /** Whether it tells of hand-overs; those that wait have to ask where it does not. */
  readonly tells: boolean;
  /** Whether a name that is given back goes to who waits by itself; else it is told to be free. Default: true. */
  readonly handsOver?: boolean;
  /** Whether every acquisition is given as another owner: then a release need not compare tokens. Default: false. */
  readonly ownersAreNew?: boolean;
}

export const LONG = 60_000;

export type Asked = Partial<AcquireRequest> & {
  /** Of the registration; none is made without it. */
  readonly number?: number;
  readonly claimMs?: number;
};

/** Asks a store for one name, on behalf of owners whose holder is called as they are. */
export class StoreProbe {
  name = `conformance:${randomUUID()}`;
  kind: NameKind = 'lock';
  permits = 0;
  readonly store: LockStore;
  readonly pass: StoreUnderTest['pass'];
  private readonly told = new Map<string, HandOver>();
  private readonly freed = new Set<string>();
  /** As whom it was given to an owner, where that is another. */
  private readonly given = new Map<string, string>();
  private readonly tells: boolean;
  private readonly handsOver: boolean;
  readonly ownersAreNew: boolean;

  constructor({ store, pass, tells, handsOver = true, ownersAreNew = false }: StoreUnderTest) {
    this.ownersAreNew = ownersAreNew;
    this.store = store;
    this.pass = pass;
    this.tells = tells;
    this.handsOver = handsOver;
  }

  async start(): Promise<void> {
    await this.store.connect();
    this.store.listen?.({
      onHandOver: (handOver) => this.told.set(handOver.owner, handOver),
      onFreed: (name) => this.freed.add(name),
      onReconnect: () => undefined,
      onSilence: () => undefined,
    });
    await this.untilTold();
  }

  /** Resolves once hand-overs of the present name are told: that begins with the first that waits for it. */
  async untilTold(): Promise<void> {
    await this.acquire('first');
    await this.wait('second');
    await until(() => (this.store.tellsHandOvers?.(this.name) ?? false) === this.tells, {
      what: 'it tells of hand-overs',
    });
    await this.release('second');
    await this.release('first');
  }

  get subject() {
    return { name: this.name, kind: this.kind };
  }

  get outcomes() {
    const { outcomes } = this.store;
    if (!outcomes) throw new Error('the store was expected to keep outcomes');
    return outcomes;
  }

  async acquire(
    owner: string,
    { number, claimMs = LONG, ...asked }: Asked = {},
  ): Promise<AcquireReply> {
    const { tokens = 1 } = asked;
    const reply = await this.store.acquire({
      ...this.subject,
      units: 0,
      permits: this.permits,
      owner: this.ownerOf(owner, asked.name),
      ttlMs: LONG,
      tokens,
      holder: { service: owner, host: 'worker-1', pid: 4711 },
      ...(number === undefined ? {} : { registration: { number, claimMs, tokens } }),
      ...asked,
    });
    if (reply.status === 'granted' && reply.owner) {
      this.given.set(`${asked.name ?? this.name} ${owner}`, reply.owner);
    }
    return reply;
  }

  /** The token of a request that must be granted. */
  async granted(owner: string, asked: Asked = {}): Promise<number> {
    const reply = await this.acquire(owner, asked);
    if (reply.status !== 'granted') throw new Error(`"${owner}" was expected to be granted`);
    return reply.fencingToken;
  }

  /** Registers an owner that must wait, and tells its place. */
  async wait(owner: string, asked: Asked = {}): Promise<number> {
    const reply = await this.acquire(owner, { number: 1, ...asked });
    if (reply.status !== 'busy') throw new Error(`"${owner}" was expected to wait`);
    return reply.place;
  }

  release(
    owner: string,
    fencingToken?: number,
    minHoldMs?: number,
    outcome?: ReleaseRequest['outcome'],
  ) {
    const asked = { fencingToken, minHoldMs, outcome };
    return this.store.release({ ...this.subject, owner: this.ownerOf(owner), ...asked });
  }

  async renew(owner: string, fencingToken: number, ttlMs = LONG) {
    const asked = { owner: this.ownerOf(owner), fencingToken, ttlMs };
    const [reply] = await this.store.renew([{ ...this.subject, ...asked }]);
    return reply;
  }

  transfer(owner: string, fencingToken: number, newOwner: string, ttlMs = LONG) {
    const holder = { service: newOwner, host: 'worker-2', pid: 4712 };
    const asked = { owner: this.ownerOf(owner), fencingToken, newOwner, ttlMs, holder };
    return this.store.transfer({ ...this.subject, ...asked });
  }

  /** As whom the store knows it. */
  ownerOf(owner: string, name = this.name): string {
    return this.given.get(`${name} ${owner}`) ?? owner;
  }

  inspect() {
    return this.store.inspect(this.subject);
  }

  /** Who holds the name, in the order of their tokens. */
  async holders(): Promise<string[]> {
    const { holders } = await this.inspect();
    return holders.map(({ holder }) => holder.service);
  }

  /** The lease of an owner, which must have one. */
  async leaseOf(owner: string) {
    const { holders } = await this.inspect();
    const lease = holders.find(({ holder }) => holder.service === owner);
    if (!lease) throw new Error(`"${owner}" was expected to hold it`);
    return lease;
  }

  /** That this owner, which waits, has it once it was given back. */
  async expectItsTurn(owner: string): Promise<void> {
    if (this.handsOver) return void (await this.expectHandOver(owner));
    await until(() => this.freed.has(this.name), { what: 'it is told that the name is free' });
    await this.granted(owner, { number: 2 });
  }

  /** That it was handed over to this owner, on the strength of this registration; its token. */
  async expectHandOver(owner: string, part: Partial<HandOver> = {}): Promise<number> {
    const { fencingToken } = await this.leaseOf(owner);
    if (this.tells) {
      await until(() => this.told.has(owner), { what: `"${owner}" is told` });
      const told = this.told.get(owner);
      // oxlint-disable-next-line jest/no-standalone-expect -- every test of a hand-over ends here
      expect(told).toMatchObject({ owner, fencingToken, ...part });
    }
    return fencingToken;
  }
}
