import { Cluster, type ClusterOptions } from 'ioredis';
import { HOST, RedisServer } from './redis-server.js';
import { until } from './until.js';

const SLOTS = 16_384;

/** Three masters without replicas, on loopback. */
export class RedisCluster {
  /** Starts one, resolved when every node sees the whole cluster. */
  static async start(): Promise<RedisCluster> {
    const cluster = new RedisCluster();
    try {
      await cluster.form();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  readonly servers: RedisServer[] = [];
  private readonly clients = new Set<Cluster>();

  private constructor() {}

  /** For `new Cluster(nodes)`. */
  get nodes(): { host: string; port: number }[] {
    return this.servers.map(({ host, port }) => ({ host, port }));
  }

  /** A client of this cluster, disconnected by stop(). */
  client(options: ClusterOptions = {}): Cluster {
    const client = new Cluster(this.nodes, options);
    client.on('error', () => {});
    client.once('end', () => this.clients.delete(client));
    this.clients.add(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    this.clients.clear();
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  private async form(): Promise<void> {
    const args = ['--cluster-enabled', 'yes', '--cluster-announce-ip', HOST];
    args.push('--cluster-node-timeout', '2000');
    for (let count = 0; count < 3; count++) this.servers.push(await RedisServer.start({ args }));

    const clients = this.servers.map((server) => server.client());
    const share = Math.ceil(SLOTS / clients.length);
    for (const [index, client] of clients.entries()) {
      const end = Math.min((index + 1) * share, SLOTS);
      // One by one: Redis 6.2 knows no ranges.
      const slots = Array.from({ length: end - index * share }, (_, i) => index * share + i);
      await client.call('CLUSTER', 'ADDSLOTS', ...slots);
      // Nodes that meet with equal epochs have to settle them first.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }
    for (const { port } of this.servers) await clients[0].call('CLUSTER', 'MEET', HOST, port);

    const isWhole = async (client: (typeof clients)[number]) => {
      const info = String(await client.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
    };
    await until(async () => (await Promise.all(clients.map(isWhole))).every(Boolean), {
      what: 'the cluster is whole',
      timeoutMs: 20_000,
      intervalMs: 20,
    });
    for (const client of clients) client.disconnect();
  }
}
