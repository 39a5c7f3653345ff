import type { Cluster, Redis } from 'ioredis';
import { errorFrom, within } from '../../core/within.js';
import type { HandOverFacts, StoreSurvey, SurveyRequest } from '../survey.interface.js';
import { probeName } from '../write-probe.js';
import type { HandOverChannel } from './hand-over-channel.js';
import { slotOf } from './key-slot.js';
import { CLUSTER_TRIALS, DIRECT_TRIALS, SCRIPT_TRIALS } from './needed-rights.js';
import type { RedisConnection } from './redis-connection.js';
import { BUCKET_TAGS, tagOf } from './redis-keys.js';
import { withoutCommand } from './redis-script.js';
import { type SurveyedServer, surveyServer } from './server-survey.js';

/** What a store on one deployment gives to be looked at. */
export interface SurveyedStore {
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly channel: HandOverChannel;
  /** A channel of its own, to try whether messages arrive. */
  readonly anew: () => HandOverChannel;
  /** Takes a lock of this name, or any other that nobody has, and gives it back. */
  readonly probe: (name?: string) => Promise<void>;
}

/** Looks at every server that takes writes: one, or the masters of a Cluster. */
export async function surveyRedis(
  store: SurveyedStore,
  request: SurveyRequest,
): Promise<StoreSurvey> {
  const { connection } = store;
  const servers = connection.isCluster ? mastersOf(store) : [soleServer(store)];
  const [facts, handOvers, cluster] = await Promise.all([
    Promise.all(servers.map((server) => surveyServer(server, request))),
    request.isThorough ? tryHandOver(store, request.timeoutMs) : store.channel.facts,
    connection.isCluster ? clusterState(connection.client as Cluster, request.timeoutMs) : null,
  ]);
  return { servers: facts, handOvers, quorum: null, cluster };
}

function soleServer({ connection, prefix, probe }: SurveyedStore): SurveyedServer {
  const client = connection.isCluster ? undefined : (connection.client as Redis);
  return {
    client,
    description: connection.description,
    lastError: () => connection.lastError,
    probe: () => probe(),
    prefix,
    root: `${prefix}:`,
    rights: { inScripts: SCRIPT_TRIALS, direct: DIRECT_TRIALS, publish: 'PUBLISH' },
  };
}

/** Each is probed with a name whose slot it has; so long as no slots are known, the Cluster is as a whole. */
function mastersOf(store: SurveyedStore): SurveyedServer[] {
  const { connection, prefix, probe } = store;
  const cluster = connection.client as Cluster;
  const tags = new Map<string, string>();
  for (const tag of BUCKET_TAGS) {
    const master = cluster.slots[slotOf(tag)]?.[0];
    if (master !== undefined && !tags.has(master)) tags.set(master, tag);
  }
  if (tags.size === 0) return [soleServer(store)];
  const clients = new Map(cluster.nodes('all').map((node) => [addressOf(node), node]));
  return [...tags].map(([address, tag]) => ({
    client: clients.get(address),
    description: `Redis at ${address}`,
    lastError: () => connection.lastError,
    probe: () => probe(nameIn(tag)),
    prefix,
    root: `${prefix}:{${tag}}:`,
    rights: {
      inScripts: SCRIPT_TRIALS,
      direct: [...CLUSTER_TRIALS, ...DIRECT_TRIALS],
      publish: 'SPUBLISH',
    },
  }));
}

const addressOf = ({ options }: Redis): string => `${options.host}:${options.port}`;

/** Names of a bucket have no tag of their own, whose counter would be forgotten. */
function nameIn(bucket: string): string {
  for (;;) {
    const name = probeName();
    if (tagOf(name) === bucket) return name;
  }
}

async function clusterState(cluster: Cluster, timeoutMs: number): Promise<StoreSurvey['cluster']> {
  try {
    const info = String(await within(cluster.cluster('INFO'), timeoutMs));
    const state = /^cluster_state:(\w+)/m.exec(info)?.[1] ?? 'unknown';
    return { isComplete: state === 'ok', state };
  } catch (error) {
    return { isComplete: false, state: withoutCommand(errorFrom(error)).message };
  }
}

/** Subscribes, tells itself something, and waits for it. */
async function tryHandOver(store: SurveyedStore, timeoutMs: number): Promise<HandOverFacts> {
  const channel = store.anew();
  const { client } = store.connection;
  const group = store.connection.isCluster ? BUCKET_TAGS[0]! : '';
  const told = new Promise<void>((resolve, reject) => {
    channel.listen({
      onHandOver: () => resolve(),
      onFreed: () => undefined,
      onReconnect: () => {
        const address = channel.addressOf(group);
        if (address === '') return;
        const message = `probe 0 0 0 0`;
        const publish = client.isCluster
          ? client.spublish(address, message)
          : client.publish(address, message);
        publish.catch(reject);
      },
      onSilence: reject,
    });
    channel.open(group);
  });
  try {
    await within(told, timeoutMs);
    return { how: 'push', error: null };
  } catch (error) {
    return { how: 'polling', error: withoutCommand(errorFrom(error)) };
  } finally {
    channel.close();
  }
}
