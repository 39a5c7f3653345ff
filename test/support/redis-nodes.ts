import { NodeLinks } from './node-links.js';
import { RedisServer, type RedisServerOptions } from './redis-server.js';

/** Several servers that know nothing of each other. Which of them is meant is told by index, from 0. */
export class RedisNodes {
  /** Starts them side by side, resolved when all answer. */
  static async start(
    count = 5,
    options: Omit<RedisServerOptions, 'port'> = {},
  ): Promise<RedisNodes> {
    const starts = Array.from({ length: count }, () => RedisServer.start(options));
    const started = await Promise.allSettled(starts);
    const nodes = new RedisNodes(
      started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : [])),
    );
    const failed = started.find((start) => start.status === 'rejected');
    if (!failed) return nodes;
    await nodes.stop();
    throw failed.reason;
  }

  private readonly allLinks: NodeLinks[] = [];

  private constructor(readonly servers: readonly RedisServer[]) {}

  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  /** As many as can fail while the others still decide: the first two of five. */
  get minority(): number[] {
    return [...this.servers.keys()].slice(0, Math.floor((this.servers.length - 1) / 2));
  }

  /** As few as decide: the first three of five. */
  get majority(): number[] {
    return [...this.servers.keys()].slice(0, Math.floor(this.servers.length / 2) + 1);
  }

  /** Ways to all of them for one client alone, on which it can be cut off; stopped by stop(). */
  async links(): Promise<NodeLinks> {
    const links = await NodeLinks.start(this.servers.map(({ port }) => port));
    this.allLinks.push(links);
    return links;
  }

  /** Freezes these: connections stay open, nothing answers. */
  pause(...which: number[]): void {
    for (const server of this.pick(which)) server.pause();
  }

  resume(...which: number[]): void {
    for (const server of this.pick(which)) server.resume();
  }

  /** Crashes these, resolved when the processes are gone. */
  async kill(...which: number[]): Promise<void> {
    await Promise.all(this.pick(which).map((server) => server.kill()));
  }

  /** Crashes these if they run, and starts them again on the same ports, empty. */
  async restart(...which: number[]): Promise<void> {
    await Promise.all(this.pick(which).map((server) => server.restart()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.allLinks.map((links) => links.stop()));
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  private pick(which: number[]): RedisServer[] {
    return which.map((index) => {
      const server = this.servers[index];
      if (!server) throw new Error(`there is no node ${index} of ${this.servers.length}`);
      return server;
    });
  }
}
