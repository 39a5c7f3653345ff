import { afterTest, lockService } from '../../support/lock-service.js';
import { RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';

/** A Redis with one replica that follows it. */
export default async function replica() {
  const master = await RedisServer.start({ args: ['--repl-diskless-sync-delay', '0'] });
  afterTest(() => master.stop());
  const args = ['--replicaof', master.host, String(master.port)];
  const follower = await RedisServer.start({ args });
  afterTest(() => follower.stop());
  const client = master.client();
  // "online" comes before it has loaded what it was sent.
  const follows = async () => {
    await client.set('follows', 1);
    return (await client.wait(1, 500)) === 1;
  };
  await until(follows, { what: 'the replica follows', timeoutMs: 15_000 });
  return { locks: await lockService({ redis: master.url }) };
}
