import type { Redis } from 'ioredis';
import type { RedisServer } from '../../support/redis-server.js';
import type { Pace } from './pace.js';

/** How things stand at a moment; memory in bytes. */
export interface Sample {
  readonly seconds: number;
  /** What is left of the heap when all garbage is gone. */
  readonly heap: number;
  readonly rss: number;
  /** What the server uses for its data. */
  readonly server: number;
  readonly keys: number;
  readonly acquisitionsPerSecond: number;
  readonly slowestMs: number;
}

export class Sampler {
  private readonly client: Redis;
  private lastSeconds = 0;
  private lastDone = 0;

  constructor(
    server: RedisServer,
    private readonly pace: Pace,
  ) {
    this.client = server.client();
  }

  async take(seconds: number): Promise<Sample> {
    const { done } = this.pace;
    const acquisitionsPerSecond = (done - this.lastDone) / (seconds - this.lastSeconds);
    [this.lastSeconds, this.lastDone] = [seconds, done];
    const slowestMs = this.pace.takeSlowest();
    const server = Number(/used_memory:(\d+)/.exec(await this.client.info('memory'))![1]);
    const keys = await this.client.dbsize();
    // The second one frees what the finalizers of the first let go.
    globalThis.gc!();
    globalThis.gc!();
    const { heapUsed: heap, rss } = process.memoryUsage();
    return { seconds, heap, rss, server, keys, acquisitionsPerSecond, slowestMs };
  }
}
