import type { Redis, RedisOptions } from 'ioredis';
import { LockOptionsError } from '../../lock.errors.js';
import { NODE_SCRIPT_TRIALS, REPORT_TRIALS } from '../redis/needed-rights.js';
import { RedisConnection, type RedisSource } from '../redis/redis-connection.js';
import { RedisReports } from '../redis/redis-reports.js';
import { RedisScript, withoutCommand } from '../redis/redis-script.js';
import { surveyServer } from '../redis/server-survey.js';
import type { ServerFacts, SurveyRequest } from '../survey.interface.js';
import { FreedChannel } from './freed.channel.js';
import * as lua from './lua.js';
import { isClusterNode, parseHello } from './node-hello.js';
import {
  type NodeAnswer,
  type NodeHello,
  type NodeListener,
  type NodeMarker,
  type NodePort,
  type NodeReply,
  type NodeStep,
  markerText,
} from './node-port.interface.js';
import { type EncodedStep, NodeStepCodec } from './node-step-codec.js';
import type { QuorumKeySpace } from './quorum-keys.js';

/** A vote that is kept for a later connection would be cast on a server that nobody has looked at. */
const SENT_ONCE: RedisOptions = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: false,
};

const votesScript = new RedisScript(lua.votes);
const helloScript = new RedisScript(lua.hello);
const markScript = new RedisScript(lua.mark);
const highestTokenScript = new RedisScript(lua.highestToken);

/** One Redis server as a node of a quorum. */
export class RedisNodePort implements NodePort {
  readonly reports: RedisReports;
  private readonly connection: RedisConnection;
  private readonly client: Redis;
  private readonly freed: FreedChannel;
  private listener: NodeListener | undefined;

  /** @throws LockOptionsError if the source is none, or not a single server */
  constructor(
    source: RedisSource,
    what: string,
    private readonly keys: QuorumKeySpace,
    private readonly codec = new NodeStepCodec(keys),
  ) {
    this.connection = new RedisConnection(source, what, SENT_ONCE);
    if (this.connection.isCluster) throw clusterError(what);
    this.client = this.connection.client as Redis;
    if (this.client.options.sentinels) throw sentinelError(what); // ioredis has null for none
    this.freed = new FreedChannel(this.connection, keys);
    this.reports = new RedisReports(this.client, keys.reportPrefix);
  }

  get description(): string {
    return this.connection.description;
  }

  get lastError(): Error | undefined {
    return this.connection.lastError;
  }

  open(listener: NodeListener): void {
    const { client } = this;
    this.listener = listener;
    this.freed.tell(listener);
    client.on('ready', () => listener.onOpen());
    client.on('close', () => listener.onClose(this.lastError));
    client.connect().catch(() => undefined); // it goes on trying
  }

  async hello(): Promise<NodeHello> {
    const { db } = this.client.options;
    // ioredis only tells a failed SELECT as an event, and goes on in database 0.
    if (db) await this.client.select(db).catch(tellPlainly);
    const [reply, fsync] = await Promise.all([
      this.run(helloScript, [this.keys.marker]).catch((error: Error) => {
        // It keeps to its slots before it tells what it is.
        if (!/^(MOVED|ASK|CLUSTERDOWN|CROSSSLOT)/.test(error.message)) throw error;
        throw new Error(isClusterNode(this.description), { cause: error });
      }),
      // Managed servers forbid it; what cannot be asked is taken for volatile.
      this.client.config('GET', '*appendfsync*').catch(() => []),
    ]);
    return parseHello(reply, fsync, { description: this.description });
  }

  async take(marker: string, steps: readonly NodeStep[]): Promise<NodeAnswer> {
    const keys = [this.keys.marker];
    const args = [marker, ''];
    const encoded: EncodedStep[] = [];
    for (const each of steps) {
      const step = this.codec.encode(each);
      if (step.holder !== '' && step.holder !== args[1]) {
        if (args[1] !== '') return this.takeApart(marker, steps, encoded.length);
        args[1] = step.holder;
      }
      for (const key of step.keys) keys.push(key);
      for (const arg of step.args) args.push(arg);
      encoded.push(step);
    }
    const reply = (await this.run(votesScript, keys, args)) as unknown[];
    const replies = encoded.map(({ parse }, i) => parseReply(parse, reply[i + 1]));
    return { micros: Number(reply[0]), replies };
  }

  /** The holder is told once for all steps of a call: what is asked for another one is a call of its own. */
  private async takeApart(
    marker: string,
    steps: readonly NodeStep[],
    at: number,
  ): Promise<NodeAnswer> {
    const [first, second] = await Promise.all([
      this.take(marker, steps.slice(0, at)),
      this.take(marker, steps.slice(at)),
    ]);
    return { micros: second.micros, replies: [...first.replies, ...second.replies] };
  }

  async mark(expected: string | null, marker: NodeMarker, floor: number): Promise<boolean> {
    const keys = [this.keys.marker, ...this.keys.counters];
    const args = [expected ?? '', markerText(marker), String(floor)];
    return Number(await this.run(markScript, keys, args)) === 1;
  }

  async highestToken(marker: string): Promise<number | null> {
    const keys = [this.keys.marker, ...this.keys.counters];
    const highest = Number(await this.run(highestTokenScript, keys, [marker]));
    return highest < 0 ? null : highest;
  }

  listenTo(): void {
    if (this.listener) this.freed.open();
  }

  survey(request: SurveyRequest, probe: () => Promise<void>): Promise<ServerFacts> {
    const { client, description, keys } = this;
    const rights = {
      inScripts: NODE_SCRIPT_TRIALS,
      direct: REPORT_TRIALS,
      publish: 'PUBLISH',
    } as const;
    const place = { prefix: keys.prefix, root: `${keys.prefix}:quorum:`, rights };
    const lastError = (): Error | undefined => this.lastError;
    return surveyServer({ client, description, lastError, probe, ...place }, request);
  }

  async close(): Promise<void> {
    this.freed.close();
    await this.connection.close();
  }

  private run(script: RedisScript, keys: string[], args: string[] = []): Promise<unknown> {
    return script.run(this.client, keys, args).catch(tellPlainly);
  }
}

/** ioredis' own words for a lost connection are about options that nobody has set. */
function tellPlainly(cause: unknown): never {
  const { message } = cause as Error;
  if (message.startsWith('Stream isn')) throw new Error('no connection stands', { cause });
  if (message.includes('max retries per request')) {
    throw new Error('the connection was lost before it answered', { cause });
  }
  throw cause;
}

function parseReply(parse: (reply: unknown) => NodeReply, reply: unknown): NodeReply {
  if (Array.isArray(reply) && Number(reply[0]) === -2) {
    return { type: 'failed', error: withoutCommand(new Error(String(reply[1]))) };
  }
  return parse(reply);
}

const clusterError = (what: string): LockOptionsError =>
  new LockOptionsError(
    `LockModule option "${what}": a Redis Cluster cannot be a node of a quorum: when one of its masters is replaced, ` +
      'no client is told that votes may be lost with it. Name single servers, or use the Cluster alone: ' +
      '{ redis: cluster }.',
  );

const sentinelError = (what: string): LockOptionsError =>
  new LockOptionsError(
    `LockModule option "${what}": a Sentinel group cannot be a node of a quorum: after a failover its former master ` +
      'goes on voting for those who are still connected to it. Name single servers, of which most go on without one ' +
      'that is down, or use the group alone: { redis: { sentinels, name } }.',
  );
