import type { Cluster, Redis } from 'ioredis';
import { tagsKeyOf } from './redis-keys.js';

/** How long a tag that was told need not be told again, and for how much longer than needed it is kept. */
const FRESH_MS = 5 * 60_000;
const SLACK_MS = 24 * 3_600_000;
const MOST_REMEMBERED = 10_000;

/**
 * The hash tags that users write into the names of a job, so that what is listed by tag can be found.
 *
 * A tag is told before anything is written under it, in a key of its own, since that lies in another
 * slot; it is kept until the last of what was written must have ended.
 */
export class TagRegister {
  private readonly toldAt = new Map<string, number>();

  constructor(
    private readonly client: Redis | Cluster,
    private readonly prefix: string,
  ) {}

  /** @param keepMs how long what is about to be written will be kept; `Infinity` for ever */
  async add(job: string, tag: string, keepMs: number): Promise<void> {
    const id = JSON.stringify([job, tag, String(keepMs)]);
    const now = Date.now();
    if (now - (this.toldAt.get(id) ?? -Infinity) < FRESH_MS) return;
    const key = tagsKeyOf(this.prefix, job);
    const end = keepMs === Infinity ? '+inf' : String(now + keepMs + SLACK_MS);
    await Promise.all([
      this.client.zremrangebyscore(key, '-inf', `(${now}`),
      this.client.zadd(key, 'GT', end, tag),
    ]);
    if (this.toldAt.size >= MOST_REMEMBERED) this.toldAt.clear();
    this.toldAt.set(id, now);
  }

  of(job: string): Promise<string[]> {
    return this.client.zrangebyscore(tagsKeyOf(this.prefix, job), String(Date.now()), '+inf');
  }
}
