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
  private readonly tells: boolean;

  constructor({ store, pass, tells }: StoreUnderTest) {
    this.store = store;
    this.pass = pass;
    this.tells = tells;
  }

  async start(): Promise<void> {
    await this.store.connect();
    this.store.listen?.({
      onHandOver: (handOver) => this.told.set(handOver.owner, handOver),
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

  acquire(owner: string, { number, claimMs = LONG, ...asked }: Asked = {}): Promise<AcquireReply> {
    const { tokens = 1 } = asked;
    return this.store.acquire({
      ...this.subject,
      units: 0,
      permits: this.permits,
      owner,
      ttlMs: LONG,
      tokens,
      holder: { service: owner, host: 'worker-1', pid: 4711 },
      ...(number === undefined ? {} : { registration: { number, claimMs, tokens } }),
      ...asked,
    });
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
    return this.store.release({ ...this.subject, owner, fencingToken, minHoldMs, outcome });
  }

  async renew(owner: string, fencingToken: number, ttlMs = LONG) {
    const [reply] = await this.store.renew([{ ...this.subject, owner, fencingToken, ttlMs }]);
    return reply;
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
