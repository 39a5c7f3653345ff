import { Cluster, type RedisOptions } from 'ioredis';
import { parseDuration } from '../core/duration.js';
import { LockClient } from '../core/lock-client.js';
import { checkedPrefix, resolveModuleOptions } from '../lock-module-options.js';
import { Outcomes } from '../jobs/outcomes.js';
import { checkStore, resolveCheckOptions } from '../monitoring/checks/check-store.js';
import type { CheckReport } from '../monitoring/checks/check.interface.js';
import { LockOverview } from '../monitoring/overview/lock-overview.js';
import { within } from '../core/within.js';
import { quorumStoreOf } from '../quorum-options.js';
import type { LockStore } from '../stores/lock-store.interface.js';
import { RedisConnection, type RedisSource } from '../stores/redis/redis-connection.js';
import { RedisLockStore } from '../stores/redis/redis-lock.store.js';
import { CommandError } from './exit.js';

/** The options of every command. */
export interface TargetOptions {
  readonly redis?: readonly string[];
  readonly cluster?: true;
  readonly sentinel?: string;
  readonly prefix: string;
  readonly timeout: string;
  readonly json?: true;
}

/** The locks that the command looks at; without Nest, which takes longer to load than all the rest. */
export interface Target {
  readonly client: LockClient;
  readonly overview: LockOverview;
  /** A thorough look at the servers. */
  readonly check: () => Promise<CheckReport>;
  close(): Promise<void>;
}

const DEFAULT_URL = 'redis://localhost:6379';
const TIMEOUT_BOUNDS = { min: 10, max: 600_000 } as const;
const DEFAULT_PORTS = { redis: 6_379, sentinel: 26_379 } as const;
/** It gives no lock and takes part in no quorum, so that it must raise no bound there. */
const LEAST_TTL_MS = 50;

/**
 * Connects to what the options name; where that is several servers, as one that looks on.
 *
 * @throws CommandError, LockOptionsError, LockStoreError if that fails
 */
export async function openTarget(
  options: TargetOptions,
  { toleratesOutage = false, env = process.env } = {},
): Promise<Target> {
  const timeoutMs = parseDuration(options.timeout, '--timeout', TIMEOUT_BOUNDS);
  const urls = options.redis ?? [env['REDIS_URL'] || DEFAULT_URL];
  for (const url of urls) refuseUrl(url);
  const prefix = checkedPrefix(options.prefix);
  const common = {
    prefix,
    storeTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    service: 'nestjs-locker',
    reports: false,
  };
  const isQuorum = urls.length > 1 && !options.cluster && options.sentinel === undefined;
  const source = isQuorum ? undefined : sourceOf(urls, options, env);
  const connection = source && new RedisConnection(source, 'redis');
  const store = connection
    ? new RedisLockStore(connection, prefix)
    : nodesOf(urls, prefix, timeoutMs, env);
  const resolved = resolveModuleOptions({ ...common, store, ttl: LEAST_TTL_MS });
  const client = new LockClient({ ...resolved, emit: () => undefined });
  const close = async (): Promise<void> => {
    await client.close().catch(() => undefined);
    if (source instanceof Cluster) source.disconnect();
  };
  try {
    if (connection) await openOne(connection, timeoutMs);
    else await client.connect(timeoutMs).catch((error: unknown) => toleratesOutage || fail(error));
  } catch (error) {
    await close();
    throw error;
  }
  const overview = new LockOverview(client, new Outcomes(client));
  const check = async (): Promise<CheckReport> => {
    const look = resolveCheckOptions({ timeout: timeoutMs }, 'doctor');
    // The first one connects, which is no latency of locks.
    const first = await checkStore(resolved.store, look);
    const isReached = first.survey.servers.some(
      ({ version, latencyMs }) => version !== null || latencyMs !== null,
    );
    return isReached ? checkStore(resolved.store, { ...look, isThorough: true }) : first;
  };
  return { client, overview, check, close };
}

/** Without a write, which not everybody may do who looks. */
async function openOne(connection: RedisConnection, timeoutMs: number): Promise<void> {
  try {
    await within(connection.open(), timeoutMs);
  } catch (error) {
    // Where nobody answers, what is asked next says so; but in another database it would be answered.
    if (!/\bDB\b|'select'/i.test((error as Error).message)) return;
    throw new CommandError(
      `${connection.description} does not let this database be used. Name another one, or none: redis://localhost:6379.\n` +
        `(${(error as Error).message})`,
    );
  }
}

function fail(error: unknown): never {
  throw error;
}

/** The messages must not have the URL: it may well have a password in it. */
function refuseUrl(url: string): void {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new CommandError(
      "--redis is no Redis URL. Write one such as redis://localhost:6379, or rediss://… for TLS; the environment's " +
        'REDIS_URL is used where it is left out.',
    );
  }
  const { username, password, pathname } = new URL(url);
  if (!/^\/?\d*$/.test(pathname)) {
    throw new CommandError(
      `--redis names the database ${JSON.stringify(pathname.slice(1))}. Redis numbers them: redis://localhost:6379/1.`,
    );
  }
  try {
    decodeURIComponent(username + password);
  } catch {
    throw new CommandError(
      '--redis has a user or a password with a % that stands for nothing. Write %25 for one that is meant.',
    );
  }
}

type Env = Readonly<Record<string, string | undefined>>;

function sourceOf(urls: readonly string[], options: TargetOptions, env: Env): RedisSource {
  const { cluster, sentinel } = options;
  if (sentinel === '') {
    throw new CommandError(`--sentinel is "": write the group's name, as the Sentinels have it.`);
  }
  if (cluster && sentinel !== undefined) {
    throw new CommandError('--cluster and --sentinel: only one can be meant. Leave one out.');
  }
  const [first] = urls as [string];
  if (cluster) {
    if (urls.some((url) => /[1-9]/.test(new URL(url).pathname))) {
      throw new CommandError('--cluster: a Redis Cluster has the database 0 only. Name no other.');
    }
    const client = new Cluster(
      urls.map((url) => placeOf(url, DEFAULT_PORTS.redis)),
      {
        redisOptions: { ...credentialsOf(first, env), ...tlsOf(first) },
        clusterRetryStrategy: (times) => Math.min(times * 50, 1_000),
      },
    );
    client.on('error', () => undefined); // told by what fails for it
    return client;
  }
  if (sentinel !== undefined) {
    const sentinels = urls.map((url) => placeOf(url, DEFAULT_PORTS.sentinel));
    const db = Number(new URL(first).pathname.slice(1)) || 0;
    return { sentinels, name: sentinel, db, ...credentialsOf(first, env), ...tlsOf(first) };
  }
  return urlWithCredentials(first, env);
}

function nodesOf(
  urls: readonly string[],
  prefix: string,
  storeTimeoutMs: number,
  env: Env,
): LockStore {
  const nodes = urls.map((url) => urlWithCredentials(url, env));
  const context = { ttlMs: LEAST_TTL_MS, storeTimeoutMs, prefix, isObserver: true };
  return quorumStoreOf({ nodes }, context);
}

function placeOf(url: string, defaultPort: number): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || defaultPort };
}

/** Of the URL, or of REDIS_USERNAME and REDIS_PASSWORD, which other processes do not see. */
function credentialsOf(url: string, env: Env): Pick<RedisOptions, 'username' | 'password'> {
  const { username, password } = new URL(url);
  if (password) {
    const name = decodeURIComponent(username);
    return { ...(name && { username: name }), password: decodeURIComponent(password) };
  }
  const { REDIS_USERNAME: user, REDIS_PASSWORD: secret } = env;
  return secret ? { ...(user && { username: user }), password: secret } : {};
}

function urlWithCredentials(url: string, env: Env): string {
  const { username, password } = credentialsOf(url, env);
  if (!password || new URL(url).password) return url;
  const filled = new URL(url);
  filled.username = encodeURIComponent(username ?? '');
  filled.password = encodeURIComponent(password);
  return filled.href;
}

const tlsOf = (url: string): Pick<RedisOptions, 'tls'> =>
  url.startsWith('rediss:') ? { tls: {} } : {};
