import type { NodeLinks } from '../../support/node-links.js';
import { RedisNodes } from '../../support/redis-nodes.js';
import type { Connection } from '../client/plan.js';
import type { World } from './world.js';

/** Three independent servers for locks by majority, and proxies before each for each client process. */
export class NodesWorld implements World {
  static async start(): Promise<NodesWorld> {
    return new NodesWorld(
      await RedisNodes.start(3, { canStepClock: process.platform === 'linux' }),
    );
  }

  readonly kind = 'nodes';
  readonly links: NodeLinks[] = [];
  private isFounded = false;

  private constructor(readonly nodes: RedisNodes) {}

  async connection(place: number): Promise<Connection> {
    this.links[place] ??= await this.nodes.links();
    const isFirst = !this.isFounded;
    this.isFounded = true;
    return { kind: 'nodes', urls: this.links[place].urls, isFirst };
  }

  async keys(): Promise<string[]> {
    const found = this.nodes.servers.map(async (server) => {
      const client = server.client();
      const keys = await client.keys('*');
      client.disconnect();
      return keys;
    });
    return [...new Set((await Promise.all(found)).flat())];
  }

  stop(): Promise<void> {
    return this.nodes.stop();
  }
}
