import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { HandOverListener } from '../lock-store.interface.js';
import type { HandOverFacts } from '../survey.interface.js';
import { type HandOverChannel, parseHandOver } from './hand-over-channel.js';
import type { RedisConnection } from './redis-connection.js';
import { withoutCommand } from './redis-script.js';

/** A connection that only listens does not notice by itself that the other side is gone. */
const PING_INTERVAL_MS = 2_000;

/** Pub/sub of one Redis server, or of a Sentinel group's master. */
export class RedisHandOverChannel implements HandOverChannel {
  private readonly name: string;
  private listener: HandOverListener | undefined;
  private subscriber: Redis | undefined;
  private isSubscribed = false;
  private isClosed = false;
  private refusal: Error | null = null;
  private lastPing = 0;

  constructor(
    private readonly connection: RedisConnection,
    prefix: string,
  ) {
    this.name = `${prefix}:hand-over:${randomUUID()}`;
  }

  listen(listener: HandOverListener): void {
    this.listener = listener;
  }

  open(): void {
    if (this.isClosed || !this.listener) return;
    if (!this.subscriber) this.subscriber = this.subscribe();
    else if (this.isSubscribed) this.ping(this.subscriber);
  }

  addressOf(): string {
    return this.isSubscribed ? this.name : '';
  }

  get facts(): HandOverFacts {
    const { refusal: error, subscriber } = this;
    if (error) return { how: 'polling', error };
    return { how: this.isSubscribed ? 'push' : subscriber ? 'connecting' : 'untried', error };
  }

  close(): void {
    this.isClosed = true;
    this.isSubscribed = false;
    this.subscriber?.disconnect();
  }

  private subscribe(): Redis {
    const subscriber = this.connection.duplicate();
    subscriber.on('ready', () => {
      subscriber.subscribe(this.name).then(
        () => {
          this.isSubscribed = true;
          this.refusal = null;
          this.listener?.onReconnect();
        },
        (error: Error) => this.giveUp(error),
      );
    });
    subscriber.on('close', () => (this.isSubscribed = false));
    subscriber.on('error', () => undefined); // the commands' own connection tells of an outage
    subscriber.on('message', (_channel: string, message: string) => {
      if (message !== '') this.listener?.onHandOver(parseHandOver(message));
    });
    subscriber.connect().catch(() => undefined); // it goes on trying
    return subscriber;
  }

  /** Refused, for example by an ACL: a closed connection is another matter, which passes. */
  private giveUp(error: Error): void {
    if (this.isClosed || error.name !== 'ReplyError') return;
    this.refusal = withoutCommand(error);
    this.listener?.onSilence(error);
  }

  private ping(subscriber: Redis): void {
    const now = performance.now();
    if (now - this.lastPing < PING_INTERVAL_MS) return;
    this.lastPing = now;
    // Without an answer the client's socketTimeout closes the connection and makes a new one.
    subscriber.ping().catch(() => undefined);
    if (!this.isSubscribed) return;
    // It may listen at a master of former times, which answers still: whoever gives up a name is not heard there.
    this.connection.client.publish(this.name, '').then(
      (heard) => {
        if (heard === 0 && this.isSubscribed) subscriber.disconnect(true);
      },
      () => undefined,
    );
  }
}
