import type { Cluster, Redis } from 'ioredis';
import { tagsKeyOf } from './redis-keys.js';

/** How long a tag that was told need not be told again, and how long it is kept without being told. */
const FRESH_MS = 5 * 60_000;
const KEPT_MS = 24 * 3_600_000;
const MOST_REMEMBERED = 10_000;

/**
 * The hash tags that users write into the names of a job, so that what is listed by tag can be found.
 *
 * A tag is told before anything is written under it, in a key of its own: that lies in another slot.
 */
export class TagRegister {
  private readonly toldAt = new Map<string, number>();

  constructor(
    private readonly client: Redis | Cluster,
    private readonly prefix: string,
  ) {}

  async add(job: string, tag: string): Promise<void> {
    const id = JSON.stringify([job, tag]);
    const now = Date.now();
    if (now - (this.toldAt.get(id) ?? -Infinity) < FRESH_MS) return;
    await this.client.zadd(tagsKeyOf(this.prefix, job), String(now), tag);
    if (this.toldAt.size >= MOST_REMEMBERED) this.toldAt.clear();
    this.toldAt.set(id, now);
  }

  of(job: string): Promise<string[]> {
    return this.client.zrange(tagsKeyOf(this.prefix, job), '0', '-1');
  }

  /** Forgets tags under which there is nothing, unless somebody may be about to write there. */
  async forget(job: string, tags: readonly string[]): Promise<void> {
    const key = tagsKeyOf(this.prefix, job);
    const old = await this.client.zrangebyscore(key, '-inf', String(Date.now() - KEPT_MS));
    const unused = old.filter((tag) => tags.includes(tag));
    if (unused.length > 0) await this.client.zrem(key, ...unused);
  }
}
