import type { Redis } from 'ioredis';
import { HOST, RedisServer } from './redis-server.js';
import { until } from './until.js';

/** A master with two replicas, watched by three Sentinels with a quorum of two. */
export class SentinelGroup {
  /** Starts one, resolved when the Sentinels know both replicas and each other. */
  static async start(): Promise<SentinelGroup> {
    const group = new SentinelGroup();
    try {
      await group.form();
      return group;
    } catch (error) {
      await group.stop();
      throw error;
    }
  }

  readonly name = 'group';
  /** The three data nodes, in the order they were started: roles change, this does not. */
  readonly servers: RedisServer[] = [];
  readonly sentinelServers: RedisServer[] = [];
  private readonly sentinelClients: Redis[] = [];

  private constructor() {}

  /** For `new Redis({ sentinels, name })`. */
  get sentinels(): { host: string; port: number }[] {
    return this.sentinelServers.map(({ host, port }) => ({ host, port }));
  }

  /** The node the Sentinels name; rejects while they do not agree. */
  async master(): Promise<RedisServer> {
    const ports = new Set(await Promise.all(this.sentinelClients.map((one) => this.namedBy(one))));
    const master = this.servers.find(({ port }) => ports.has(port));
    if (!master || ports.size > 1) throw new Error('the sentinels do not agree on a master');
    return master;
  }

  /** The other data nodes that run. */
  async replicas(): Promise<RedisServer[]> {
    const master = await this.master();
    return this.servers.filter((server) => server !== master && server.running);
  }

  /** Resolves with the next master, once every Sentinel names it and it accepts writes. */
  async promotedAfter(old: RedisServer): Promise<RedisServer> {
    let promoted = old;
    await until(
      async () => {
        promoted = await this.master().catch(() => old);
        return promoted !== old && (await acceptsWrites(promoted));
      },
      // An election that fails is held again after twice the failover timeout.
      { what: 'a replica was promoted', timeoutMs: 45_000, intervalMs: 20 },
    );
    return promoted;
  }

  /** Hands the role of the master over, resolved when the new one accepts writes. */
  async failover(): Promise<void> {
    const old = await this.master();
    let refusal: unknown;
    // Refused while a replica is not in sync or an earlier failover has not settled.
    const accepted = () =>
      this.sentinelClients[0].call('SENTINEL', 'FAILOVER', this.name).then(
        () => true,
        (error: unknown) => {
          refusal = error;
          return false;
        },
      );
    await until(accepted, {
      what: 'the failover was accepted',
      timeoutMs: 15_000,
      intervalMs: 50,
    }).catch((cause: Error) => {
      throw new Error(`${cause.message} (${String(refusal)})`, { cause });
    });
    await this.promotedAfter(old);
  }

  /** Crashes the master, resolved with it when it is gone: promotedAfter() tells what follows. */
  async killMaster(): Promise<RedisServer> {
    // Starved for a moment, they may be about to replace it themselves.
    let master: RedisServer | undefined;
    const agreed = async () => (master = await this.master().catch(() => undefined)) !== undefined;
    await until(agreed, { what: 'the sentinels agree on a master', timeoutMs: 45_000 });
    await master!.kill();
    return master!;
  }

  async stop(): Promise<void> {
    // The Sentinels first: they would start an election over the others.
    await Promise.all(this.sentinelServers.map((server) => server.stop()));
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  private async form(): Promise<void> {
    const args = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0'];
    const master = await RedisServer.start({ args });
    this.servers.push(master);
    for (let count = 0; count < 2; count++) {
      const replicaArgs = [...args, '--replicaof', `${HOST} ${master.port}`];
      this.servers.push(await RedisServer.start({ args: replicaArgs }));
    }
    // A Sentinel that asks too early hears of no replicas, and asks again after ten seconds.
    const observer = master.client();
    await until(
      async () => (await observer.info('replication')).match(/state=online/g)?.length === 2,
      { what: 'both replicas are in sync', timeoutMs: 15_000, intervalMs: 20 },
    );
    observer.disconnect();

    for (let count = 0; count < 3; count++) await this.addSentinel(master);
    const { name } = this;
    const complete = `name=${name},status=ok,address=${HOST}:${master.port},slaves=2,sentinels=3`;
    const isComplete = async (one: Redis) => (await one.info('sentinel')).includes(complete);
    await until(
      async () => (await Promise.all(this.sentinelClients.map(isComplete))).every(Boolean),
      { what: 'the sentinels know everyone', timeoutMs: 15_000, intervalMs: 20 },
    );
  }

  private async addSentinel(master: RedisServer): Promise<void> {
    const lines = [
      'sentinel resolve-hostnames no',
      `sentinel monitor ${this.name} ${HOST} ${master.port} 2`,
      `sentinel down-after-milliseconds ${this.name} 1000`,
      `sentinel failover-timeout ${this.name} 2000`,
    ];
    const sentinel = await RedisServer.start({ sentinelConfig: lines.join('\n') + '\n' });
    this.sentinelServers.push(sentinel);
    const client = sentinel.client();
    this.sentinelClients.push(client);
    // Gossip more often than the standard 2 and 10 seconds; an older server may not know how.
    const periods = ['PUBLISH-PERIOD', 200, 'INFO-PERIOD', 500];
    await client.call('SENTINEL', 'DEBUG', ...periods).catch(() => {});
  }

  private async namedBy(sentinel: Redis): Promise<number> {
    const address = await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.name);
    return Number((address as string[])[1]);
  }
}

async function acceptsWrites(server: RedisServer): Promise<boolean> {
  const client = server.client();
  try {
    await client.set('sentinel-group:probe', '');
    await client.del('sentinel-group:probe');
    return true;
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
