import type { Redis } from 'ioredis';
import { RedisServer, type RedisServerOptions } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import type { Connection } from '../client/plan.js';
import type { World } from './world.js';

/** One server, and a proxy before it for each client process. */
export class SingleWorld implements World {
  static async start(options: RedisServerOptions = {}): Promise<SingleWorld> {
    return new SingleWorld(await RedisServer.start(options));
  }

  readonly kind = 'single';
  readonly proxies: TcpProxy[] = [];

  private constructor(readonly server: RedisServer) {}

  async connection(place: number): Promise<Connection> {
    this.proxies[place] ??= await TcpProxy.start(this.server.port);
    return { kind: 'single', url: this.proxies[place].url };
  }

  /** Another user of the server, who talks to it without a proxy. */
  async asUser<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = this.server.client({ retryStrategy: () => 20 });
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  }

  keys(): Promise<string[]> {
    return this.asUser((client) => client.keys('*'));
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await this.server.stop();
  }
}
