import type { Redis } from 'ioredis';
import { NoAnswerError, within } from '../../core/within.js';
import type { PersistenceFacts, ServerFacts, SurveyRequest } from '../survey.interface.js';
import { NOTHING_TOLD, timeWrite } from '../write-probe.js';
import { missingRights, type NeededRights } from './needed-rights.js';
import { parseInfo } from './redis-info.js';
import { withoutCommand } from './redis-script.js';

/** One server, over the connection that locks use. */
export interface SurveyedServer {
  readonly description: string;
  /** None if there is no connection. */
  readonly client: Redis | undefined;
  /** Why there is none, or what it failed by the last time. */
  lastError(): Error | undefined;
  /** Writes there, and takes it back. */
  probe(): Promise<void>;
  readonly prefix: string;
  /** What keys begin with that are kept there. */
  readonly root: string;
  readonly rights: NeededRights;
}

type Told = Omit<ServerFacts, 'server' | 'latencyMs' | 'error' | 'node'>;

/** Never rejects: what is the matter is among the facts. */
export async function surveyServer(
  server: SurveyedServer,
  { timeoutMs, isThorough }: SurveyRequest,
): Promise<ServerFacts> {
  const { client } = server;
  const asked = client ? within(ask(client, server, isThorough), timeoutMs) : undefined;
  const [{ latencyMs, error }, told] = await Promise.all([
    timeWrite(() => server.probe(), timeoutMs),
    asked?.catch(() => undefined),
  ]);
  // What is only late says less than why the connection does not stand.
  const reason = (error instanceof NoAnswerError ? server.lastError() : undefined) ?? error;
  return {
    ...NOTHING_TOLD,
    ...told,
    server: server.description,
    latencyMs,
    error: withoutCommand(reason),
  };
}

async function ask(client: Redis, server: SurveyedServer, isThorough: boolean): Promise<Told> {
  const [clockOffsetMs, info, fsync, save, missing] = await Promise.all([
    clockOffset(client).catch(() => null),
    client.info().then(
      (text) => parseInfo(text),
      () => new Map<string, string>(),
    ),
    isThorough ? configOf(client, 'appendfsync') : null,
    isThorough ? configOf(client, 'save') : null,
    isThorough ? missingRights(client, server.prefix, server.root, server.rights) : null,
  ]);
  return {
    product: productOf(info),
    version: info.get('redis_version') ?? null,
    role: roleOf(info),
    isClusterNode: info.has('cluster_enabled') ? info.get('cluster_enabled') === '1' : null,
    evictionPolicy: info.get('maxmemory_policy') ?? null,
    clockOffsetMs,
    persistence: isThorough ? persistenceOf(info, fsync, save) : null,
    missing,
  };
}

/** Asked in the middle of the round trip, as far as can be told. */
async function clockOffset(client: Redis): Promise<number> {
  const sentAt = Date.now();
  const [seconds, micros] = await client.time();
  const middle = (sentAt + Date.now()) / 2;
  return Number(seconds) * 1_000 + Number(micros) / 1_000 - middle;
}

/** Managed servers forbid it. In RESP2 the reply is a list, in RESP3 it may be an object. */
async function configOf(client: Redis, name: string): Promise<string | null> {
  const reply: unknown = await client.config('GET', name).catch(() => null);
  const value: unknown = Array.isArray(reply)
    ? reply[1]
    : (reply as Record<string, unknown> | null)?.[name];
  return typeof value === 'string' ? value : null;
}

function productOf(info: ReadonlyMap<string, string>): string | null {
  const version = info.get('valkey_version');
  if (version) return `Valkey ${version}`;
  return info.has('redis_version') ? `Redis ${info.get('redis_version')}` : null;
}

function roleOf(info: ReadonlyMap<string, string>): ServerFacts['role'] {
  const role = info.get('role');
  return role === 'slave' ? 'replica' : role === 'master' ? 'master' : null;
}

function persistenceOf(
  info: ReadonlyMap<string, string>,
  appendfsync: string | null,
  save: string | null,
): PersistenceFacts | null {
  const enabled = info.get('aof_enabled');
  return enabled === undefined ? null : { appendonly: enabled === '1', appendfsync, save };
}
