import type { Redis } from 'ioredis';
import { RedisCluster } from '../../support/redis-cluster.js';
import type { Connection } from '../client/plan.js';
import type { World } from './world.js';

/** Three masters that share the slots. */
export class ClusterWorld implements World {
  static async start(): Promise<ClusterWorld> {
    const cluster = await RedisCluster.start();
    return new ClusterWorld(
      cluster,
      cluster.servers.map((server) => server.client()),
    );
  }

  readonly kind = 'cluster';

  private constructor(
    readonly cluster: RedisCluster,
    readonly nodes: readonly Redis[],
  ) {}

  async connection(): Promise<Connection> {
    return { kind: 'cluster', nodes: this.cluster.nodes };
  }

  async keys(): Promise<string[]> {
    return (await Promise.all(this.nodes.map((node) => node.keys('*')))).flat();
  }

  stop(): Promise<void> {
    return this.cluster.stop();
  }
}
