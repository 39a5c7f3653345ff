import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import type { Agenda } from './agenda.js';
import type { Trouble } from './schedule.js';
import type { SimulatedRedis } from './simulated-redis.js';

export interface WireTools {
  readonly agenda: Agenda;
  readonly redis: SimulatedRedis;
  readonly random: () => number;
  /** Has it done by the process, as soon as that is able to. */
  readonly perform: (task: () => void) => void;
}

/** What lies between a process and Redis, with its troubles: stands for a client of ioredis. */
export class Wire {
  private readonly troubles = new Map<Trouble['what'], Trouble>();
  private lastArrival = 0;
  private lastReply = 0;
  private subscriber: Subscriber | undefined;

  constructor(private readonly tools: WireTools) {}

  /** What is taken from an ioredis client by `RedisConnection` and what stands upon it. */
  get client(): Redis {
    return {
      isCluster: false,
      mode: 'normal',
      status: 'ready',
      options: { host: 'simulated', port: 0 },
      evalsha: (sha: string, keyCount: number, ...rest: string[]) => this.send(sha, keyCount, rest),
      duplicate: () => (this.subscriber = new Subscriber(this.tools, () => this.latency())),
    } as unknown as Redis;
  }

  suffer(trouble: Trouble): void {
    const former = this.troubles.get(trouble.what);
    if (former) this.end(former);
    this.troubles.set(trouble.what, trouble);
    if (trouble.what === 'unsubscribed') this.subscriber?.lose();
    this.tools.agenda.in(trouble.forMs, () => this.end(trouble));
  }

  heal(): void {
    for (const trouble of this.troubles.values()) this.end(trouble);
  }

  private end(trouble: Trouble): void {
    if (this.troubles.get(trouble.what) !== trouble) return;
    this.troubles.delete(trouble.what);
    if (trouble.what === 'unsubscribed') this.subscriber?.comeBack();
  }

  /** The other side of the connection is gone, and the server knows. */
  close(): void {
    this.subscriber?.disconnect();
  }

  deliver(channel: string, message: string): void {
    const { agenda, perform } = this.tools;
    if (this.subscriber?.channel !== channel || this.troubles.has('messages lost')) return;
    const lateMs = this.troubles.get('messages late')?.ms ?? 0;
    const { subscriber } = this;
    agenda.in(this.latency() + lateMs, () =>
      perform(() => void subscriber.emit('message', channel, message)),
    );
  }

  private send(sha: string, keyCount: number, rest: string[]): Promise<unknown> {
    const { agenda, redis, perform } = this.tools;
    const { troubles } = this;
    // What was sent on a connection that broke may come after all that follows.
    const late = troubles.get('commands late');
    const isUnanswered = late !== undefined || troubles.has('replies lost');
    return new Promise((resolve, reject) => {
      if (troubles.has('commands lost')) return;
      const slowMs = troubles.get('slow')?.ms ?? 0;
      const arrival = late
        ? agenda.now + late.ms
        : (this.lastArrival = Math.max(this.lastArrival, agenda.now + this.latency() + slowMs));
      agenda.at(arrival, async () => {
        let answer: () => void;
        try {
          const reply = await redis.run(sha, keyCount, rest);
          answer = () => resolve(reply);
        } catch (error) {
          answer = () => reject(error as Error);
        }
        if (isUnanswered) return;
        this.lastReply = Math.max(this.lastReply, agenda.now + this.latency() + slowMs);
        agenda.at(this.lastReply, () => perform(answer));
      });
    });
  }

  private latency(): number {
    return 0.1 + this.tools.random();
  }
}

class Subscriber extends EventEmitter {
  channel = '';

  constructor(
    private readonly tools: WireTools,
    private readonly latency: () => number,
  ) {
    super();
  }

  async connect(): Promise<void> {
    this.comeBack();
  }

  comeBack(): void {
    const { agenda, perform } = this.tools;
    agenda.in(this.latency(), () => perform(() => void this.emit('ready')));
  }

  subscribe(channel: string): Promise<void> {
    const { agenda, redis, perform } = this.tools;
    return new Promise((resolve) => {
      agenda.in(this.latency(), async () => {
        this.channel = channel;
        await redis.listen(channel);
        agenda.in(this.latency(), () => perform(() => resolve()));
      });
    });
  }

  async ping(): Promise<void> {}

  lose(): void {
    this.disconnect();
    this.tools.perform(() => void this.emit('close'));
  }

  disconnect(): void {
    const { agenda, redis } = this.tools;
    const { channel } = this;
    agenda.in(0, () => redis.unlisten(channel));
  }
}
