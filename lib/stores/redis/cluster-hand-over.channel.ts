import { randomUUID } from 'node:crypto';
import type { Cluster } from 'ioredis';
import type { HandOverListener } from '../lock-store.interface.js';
import type { HandOverFacts } from '../survey.interface.js';
import { type HandOverChannel, parseHandOver } from './hand-over-channel.js';
import type { RedisConnection } from './redis-connection.js';
import { withoutCommand } from './redis-script.js';

/** Tags that users make up have no end; names beyond these are asked for instead. */
const MOST_TAGS = 1_024;

/**
 * Sharded pub/sub (Redis 7), one channel a hash tag: the message comes from the master that has the
 * slot, in whose script the hand-over takes place.
 *
 * @see https://redis.io/docs/latest/develop/pubsub/#sharded-pubsub
 */
export class ClusterHandOverChannel implements HandOverChannel {
  private readonly id = randomUUID();
  private readonly tags = new Map<string, 'asked' | 'subscribed'>();
  private listener: HandOverListener | undefined;
  private subscriber: Cluster | undefined;
  private isSilent = false;
  private refusal: Error | null = null;
  private tellsReconnect = false;

  constructor(
    private readonly connection: RedisConnection,
    private readonly prefix: string,
  ) {}

  listen(listener: HandOverListener): void {
    this.listener = listener;
  }

  open(tag: string): void {
    if (this.isSilent || !this.listener || this.tags.has(tag)) return;
    if (this.tags.size >= MOST_TAGS) return;
    this.tags.set(tag, 'asked');
    this.subscriber ??= this.connect();
    this.subscriber.ssubscribe(this.channelOf(tag)).then(
      () => {
        this.tags.set(tag, 'subscribed');
        this.reconnected();
      },
      (error: Error) => {
        this.tags.delete(tag);
        // Refused: by an ACL, or by a server or an ioredis that does not know sharded pub/sub.
        if (error.name === 'ReplyError' && !/^(CLUSTERDOWN|TRYAGAIN|LOADING)/.test(error.message)) {
          this.silence(error);
        }
      },
    );
  }

  addressOf(tag: string): string {
    return this.tags.get(tag) === 'subscribed' ? this.channelOf(tag) : '';
  }

  get facts(): HandOverFacts {
    const { refusal: error, tags } = this;
    if (error) return { how: 'polling', error };
    const isTold = [...tags.values()].includes('subscribed');
    return { how: isTold ? 'push' : tags.size > 0 ? 'connecting' : 'untried', error };
  }

  close(): void {
    this.isSilent = true;
    this.tags.clear();
    this.subscriber?.disconnect();
  }

  private connect(): Cluster {
    const subscriber = this.connection.duplicateCluster();
    subscriber.on('error', () => undefined); // the commands' own connection tells of an outage
    subscriber.on('smessage', (_channel: string, message: string) => {
      if (message !== '') this.listener?.onHandOver(parseHandOver(message));
    });
    // It subscribes again by itself where nodes come and go; what was missed is asked for.
    subscriber.on('+node', () => this.reconnected());
    return subscriber;
  }

  private channelOf(tag: string): string {
    return `${this.prefix}:{${tag}}:hand-over:${this.id}`;
  }

  /** Many tags may be subscribed in one turn. */
  private reconnected(): void {
    if (this.tellsReconnect) return;
    this.tellsReconnect = true;
    setImmediate(() => {
      this.tellsReconnect = false;
      if (!this.isSilent) this.listener?.onReconnect();
    });
  }

  private silence(error: Error): void {
    if (this.isSilent) return;
    this.close();
    this.refusal = withoutCommand(error);
    this.listener?.onSilence(this.refusal);
  }
}
