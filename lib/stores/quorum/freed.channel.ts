import type { Redis } from 'ioredis';
import type { RedisConnection } from '../redis/redis-connection.js';
import { withoutCommand } from '../redis/redis-script.js';
import type { NodeListener } from './node-port.interface.js';
import type { QuorumKeySpace } from './quorum-keys.js';

/** Hears from one node which names became free, on a connection of its own that is made for the first wait. */
export class FreedChannel {
  private listener: NodeListener | undefined;
  private subscriber: Redis | undefined;
  private isClosed = false;

  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: QuorumKeySpace,
  ) {}

  tell(listener: NodeListener): void {
    this.listener = listener;
  }

  open(): void {
    if (this.isClosed || this.subscriber || !this.listener) return;
    this.subscriber = this.subscribe(this.listener);
  }

  close(): void {
    this.isClosed = true;
    this.subscriber?.disconnect();
  }

  private subscribe(listener: NodeListener): Redis {
    const { channel } = this.keys;
    const subscriber = this.connection.duplicate();
    subscriber.on('ready', () => {
      subscriber.subscribe(channel).then(
        () => listener.onListening(true),
        (error: Error) => {
          // Refused, for example by an ACL: a closed connection is another matter, which passes.
          if (error.name === 'ReplyError') listener.onListening(false, withoutCommand(error));
        },
      );
    });
    subscriber.on('close', () => listener.onListening(false));
    subscriber.on('error', () => undefined); // the commands' own connection tells of an outage
    subscriber.on('message', (_channel: string, lease: string) => {
      listener.onFreed(this.keys.nameOf(lease));
    });
    subscriber.connect().catch(() => undefined); // it goes on trying
    return subscriber;
  }
}
