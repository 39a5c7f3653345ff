import { setTimeout } from 'node:timers/promises';
import { Redis, type Cluster, type RedisOptions } from 'ioredis';
import { LockOptionsError } from '../../lock.errors.js';
import { withoutCommand } from './redis-script.js';

/**
 * Where the module finds Redis: a URL, ioredis options (Sentinel included), or a client of the user's own.
 *
 * @example
 * const source: RedisSource = { sentinels: [{ host: 'sentinel', port: 26379 }], name: 'main' };
 */
export type RedisSource = string | RedisOptions | Redis | Cluster;

const CONNECTION_NAME = 'nestjs-locker';
const LONGEST_RECONNECT_DELAY_MS = 1_000;
/** TCP alone takes a quarter of an hour to notice that the other side is frozen or cut off. */
const LONGEST_SILENCE_MS = 5_000;
const SENTINEL_TIMEOUT_MS = 1_000;

const PAUSE_MS = 200;

/** A client, whose it is, and what is known about it. */
export class RedisConnection {
  readonly client: Redis | Cluster;
  readonly isCluster: boolean;
  readonly description: string;
  readonly notices: readonly string[];
  lastError: Error | undefined;
  private readonly isOurs: boolean;
  private isClosed = false;

  /**
   * @param what how messages call the option that names the source
   * @param required what the connection must have: then a client of the user's is duplicated, and so ours
   * @throws LockOptionsError if the URL is none, or the client cannot keep the contract
   */
  constructor(
    source: RedisSource,
    private readonly what = 'redis',
    required?: RedisOptions,
  ) {
    if (isClient(source)) refuseUnfit(source, what);
    this.isOurs = !isClient(source) || required !== undefined;
    this.client = this.clientOf(source, required);
    this.isCluster = this.client.isCluster;
    if (!isClient(source)) refuseUnfit(this.client, what);
    this.notices = this.isOurs ? [] : noticesAbout(this.client);
    this.description = describe(this.client);
  }

  /** Connects a client of ours; one of the user's connects by itself, or with the first command. */
  async open(): Promise<void> {
    if (this.isOurs && this.client.status === 'wait') {
      // A failed first attempt is not the end: the client goes on trying, and so do its commands.
      await this.client
        .connect()
        .catch((error: Error) => (this.lastError ??= withoutCommand(error)));
    }
    // ioredis only tells a failed SELECT as an event, and goes on in database 0.
    const { db } = this.client.options as RedisOptions;
    if (this.isOurs && db) await this.client.select(db);
  }

  /** Opens the connection and takes `step`, again and again while what is in its way may pass. */
  async whenAble(step: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await this.open();
        return await step();
      } catch (error) {
        this.lastError = withoutCommand(error as Error);
        if (this.isClosed || !mayPass(this.lastError)) throw error;
      }
      await setTimeout(PAUSE_MS, undefined, { ref: false });
    }
  }

  /** A second connection of ours to the same server, to be connected by the caller. */
  duplicate(): Redis {
    return (this.client as Redis).duplicate({
      lazyConnect: true,
      connectionName: `${CONNECTION_NAME}:hand-over`,
      autoResubscribe: false,
      enableOfflineQueue: false,
      socketTimeout: LONGEST_SILENCE_MS,
      retryStrategy: reconnectDelay,
    });
  }

  /** A second client of ours, for commands that block their connection. */
  duplicateForWaiting(): Redis | Cluster {
    const duplicate = this.isCluster
      ? (this.client as Cluster).duplicate([], { lazyConnect: false, enableOfflineQueue: true })
      : (this.client as Redis).duplicate({
          lazyConnect: false,
          enableOfflineQueue: true,
          connectionName: `${CONNECTION_NAME}:replicas`,
          socketTimeout: LONGEST_SILENCE_MS,
          retryStrategy: reconnectDelay,
        });
    duplicate.on('error', () => undefined); // the commands' own connection tells of an outage
    return duplicate;
  }

  /** A second client of the same Cluster, for sharded subscriptions. */
  duplicateCluster(): Cluster {
    return (this.client as Cluster).duplicate([], {
      shardedSubscribers: true,
      // Nothing else tells it that its node has become a replica: only commands are told MOVED.
      slotsRefreshInterval: LONGEST_SILENCE_MS,
      lazyConnect: false,
      enableOfflineQueue: true,
    });
  }

  /** Closes the client if it is ours. Not with QUIT: a server that hangs would not answer it. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.isOurs) this.client.disconnect();
  }

  private clientOf(source: RedisSource, required: RedisOptions = {}): Redis | Cluster {
    if (!isClient(source)) return this.make(source, required);
    if (!this.isOurs) return source;
    if (source.isCluster) return source; // refused by whoever cannot do with it
    const duplicate = (source as Redis).duplicate({
      retryStrategy: reconnectDelay,
      socketTimeout: LONGEST_SILENCE_MS,
      ...required,
      lazyConnect: true,
    });
    this.watch(duplicate);
    return duplicate;
  }

  private make(source: string | RedisOptions, required: RedisOptions): Redis {
    const ours: RedisOptions = {
      connectionName: CONNECTION_NAME,
      retryStrategy: reconnectDelay,
      // A master that has become a replica is left at once; the next attempt finds the new one.
      reconnectOnError: (error) => /\bREADONLY\b/.test(error.message), // Redis 6.2 says it in the middle
      // So is a server that owes an answer, and a Sentinel: the others may know a new master.
      socketTimeout: LONGEST_SILENCE_MS,
      sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    };
    const always: RedisOptions = { ...required, lazyConnect: true };
    const client =
      typeof source === 'string'
        ? new Redis(checkUrl(source, this.what), { ...ours, ...always })
        : new Redis({ ...ours, ...source, ...always });
    this.watch(client);
    return client;
  }

  /** Errors are kept as the reason of the next failure; a client without a listener prints them instead. */
  private watch(client: Redis): void {
    client.on('error', (error: Error) => (this.lastError = withoutCommand(error)));
    client.on('ready', () => (this.lastError = undefined));
  }
}

const reconnectDelay = (times: number): number => Math.min(times * 50, LONGEST_RECONNECT_DELAY_MS);

/** Out of reach, or the server says itself that it is not ready yet; every other reply stays what it is. */
function mayPass(error: Error): boolean {
  return (
    error.name !== 'ReplyError' || /^(LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN)/.test(error.message)
  );
}

/** By what it can do: a client from another copy of ioredis is no `instanceof` of ours. */
function isClient(source: RedisSource): source is Redis | Cluster {
  return typeof source === 'object' && 'evalsha' in source && typeof source.evalsha === 'function';
}

/** With a user and a password that can be decoded: a "%" in them has to be written as "%25". */
export function isRedisUrl(url: string): boolean {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

function checkUrl(url: string, what: string): string {
  if (!isRedisUrl(url)) {
    throw new LockOptionsError(
      `LockModule option "${what}": ${hidePassword(url)} is no Redis URL. ` +
        `Write one such as 'redis://localhost:6379', or 'rediss://…' for TLS.`,
    );
  }
  return url;
}

function hidePassword(url: string): string {
  const withoutUser = url.replace(/^([a-z][a-z0-9+.-]*:)?(\/\/)?.*@/is, '$1$2…@');
  return JSON.stringify(withoutUser.replace(/\?.*/s, '?…')); // options may stand there, too
}

function refuseUnfit(client: Redis | Cluster, option: string): void {
  const { options } = client;
  const refuse = (what: string, mend: string): never => {
    throw new LockOptionsError(`LockModule option "${option}": the client ${what}. ${mend}`);
  };
  if (options.keyPrefix) {
    refuse(
      `has keyPrefix ${JSON.stringify(options.keyPrefix)}, which ioredis puts before the hash tag of every key, unseen by other services`,
      'Use the module\'s own option "prefix", and a client without keyPrefix.',
    );
  }
  if ('mode' in client && client.mode !== 'normal') {
    refuse(
      `is in ${client.mode} mode, in which it runs no scripts`,
      'Give the module a client of its own: client.duplicate().',
    );
  }
  if ('readOnly' in options && options.readOnly) {
    refuse('is read-only (readOnly: true)', 'Give the module a client that may write.');
  }
  if (client.status === 'end') {
    refuse('is closed', 'Give the module a client that is not closed before it.');
  }
}

function noticesAbout({ options }: Redis | Cluster): string[] {
  const notices: string[] = [];
  if (options.enableAutoPipelining) {
    notices.push(
      'The Redis client has enableAutoPipelining: each lock command waits for the end of its turn of the event loop.',
    );
  }
  if (options.enableOfflineQueue === false) {
    notices.push(
      'The Redis client has enableOfflineQueue: false: while it reconnects, locks fail at once instead of within storeTimeout.',
    );
  }
  return notices;
}

function describe(client: Redis | Cluster): string {
  if (client.isCluster) return 'Redis Cluster';
  const { options } = client as Redis;
  if (options.sentinels) return `Redis Sentinel group "${options.name}"`;
  return `Redis at ${options.path ?? `${options.host}:${options.port}`}`;
}
