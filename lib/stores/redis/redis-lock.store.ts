import { randomUUID } from 'node:crypto';
import { LockOptionsError } from '../../lock.errors.js';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseRecord,
  LockStore,
  ReleaseOutcome,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
} from '../lock-store.interface.js';
import * as lua from './lua.js';
import type { RedisConnection } from './redis-connection.js';
import { keysOf } from './redis-keys.js';
import { RedisScript } from './redis-script.js';

const scripts = {
  acquire: new RedisScript(lua.acquire),
  renew: new RedisScript(lua.renew),
  release: new RedisScript(lua.release),
  inspect: new RedisScript(lua.inspect),
  forceRelease: new RedisScript(lua.forceRelease),
};

/** Leases on one Redis deployment: standalone, a Sentinel group, or a Cluster. */
export class RedisLockStore implements LockStore {
  constructor(
    private readonly connection: RedisConnection,
    private readonly prefix: string,
  ) {}

  get description(): string {
    return this.connection.description;
  }

  get notices(): readonly string[] {
    return this.connection.notices;
  }

  get lastError(): Error | undefined {
    return this.connection.lastError;
  }

  /** Proves with a write that locks can be taken: PING would answer on a read-only replica too. */
  async connect(): Promise<void> {
    try {
      await this.connection.whenAble(() => this.probe());
    } catch (error) {
      if (this.connection.isCluster || !/CROSSSLOT|^MOVED/.test((error as Error).message))
        throw error;
      throw new LockOptionsError(
        `LockModule option "redis": ${this.description} is one node of a Redis Cluster. ` +
          'Give the module a client of the whole Cluster: new Cluster(nodes) from ioredis.',
      );
    }
  }

  private async probe(): Promise<void> {
    const names = Array.from({ length: 8 }, () => `nestjs-locker:probe:${randomUUID()}`);
    const [name] = names as [string];
    const owner = randomUUID();
    const holder = { service: 'nestjs-locker', host: '', pid: process.pid };
    await this.acquire({ name, owner, ttlMs: 1_000, holder });
    await this.release({ name, owner });
    if (this.connection.isCluster) return;
    // A single client in front of several shards takes each lock, but cannot renew them together.
    await this.renew(names.map((other) => ({ name: other, owner, fencingToken: 1, ttlMs: 1_000 })));
  }

  async acquire({ name, owner, ttlMs, holder }: AcquireRequest): Promise<AcquireReply> {
    const keys = keysOf(this.prefix, name);
    const reply = (await scripts.acquire.run(
      this.connection.client,
      [keys.lease, keys.tokenCounter],
      [owner, String(ttlMs), JSON.stringify(holder), String(keys.tokenCounterTtlS)],
    )) as [number, ...RecordReply];
    const [granted, ...record] = reply;
    if (Number(granted) === 1) return { status: 'granted', fencingToken: Number(record[0]) };
    return { status: 'busy', lease: toRecord(record) };
  }

  async renew(requests: readonly RenewRequest[]): Promise<readonly RenewReply[]> {
    const codes = (await scripts.renew.run(
      this.connection.client,
      requests.map(({ name }) => keysOf(this.prefix, name).lease),
      requests.flatMap(({ owner, fencingToken, ttlMs }) => [
        owner,
        String(fencingToken),
        String(ttlMs),
      ]),
    )) as number[];
    return Promise.all(codes.map((code, i) => this.toRenewReply(requests[i]!, Number(code))));
  }

  /** In a Cluster a script's keys must share a slot, and a node may be down alone. */
  renewalGroupOf(name: string): string {
    return this.connection.isCluster ? keysOf(this.prefix, name).tag : '';
  }

  async release({ name, owner, fencingToken }: ReleaseRequest): Promise<ReleaseOutcome> {
    const reply = await scripts.release.run(
      this.connection.client,
      [keysOf(this.prefix, name).lease],
      [owner, fencingToken === undefined ? '' : String(fencingToken)],
    );
    return Number(reply) === 1 ? 'released' : Number(reply) === 0 ? 'expired' : 'taken-over';
  }

  async inspect(name: string): Promise<LeaseRecord | null> {
    const reply = await scripts.inspect.run(this.connection.client, [
      keysOf(this.prefix, name).lease,
    ]);
    return reply === null ? null : toRecord(reply as RecordReply);
  }

  async forceRelease(name: string): Promise<LeaseRecord | null> {
    const { lease, forcedNote } = keysOf(this.prefix, name);
    const reply = await scripts.forceRelease.run(this.connection.client, [lease, forcedNote]);
    return reply === null ? null : toRecord(reply as RecordReply);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  private async toRenewReply(request: RenewRequest, code: number): Promise<RenewReply> {
    if (code === 1) return 'renewed';
    if (await this.wasForced(request)) return 'forced';
    return code === 0 ? 'expired' : 'taken-over';
  }

  /** Asked apart: a second key in the script would make it fail while a Cluster moves the slot. */
  private async wasForced({ name, owner }: RenewRequest): Promise<boolean> {
    try {
      return (await this.connection.client.get(keysOf(this.prefix, name).forcedNote)) === owner;
    } catch {
      return false; // the loss is certain all the same, and must not wait for its reason
    }
  }
}

/** Token, since (ms), remaining (ms) and holder, as the scripts answer them. */
type RecordReply = [token: string, since: string, remainingMs: number, holder: string];

function toRecord([token, since, remainingMs, holder]: RecordReply): LeaseRecord {
  return {
    holder: JSON.parse(holder) as LeaseRecord['holder'],
    fencingToken: Number(token),
    since: new Date(Number(since)),
    remainingMs: Math.max(0, Number(remainingMs)),
  };
}
