import { SentinelGroup } from '../../support/sentinel-group.js';
import type { Connection } from '../client/plan.js';
import type { World } from './world.js';

/** A master, two replicas and three Sentinels. */
export class SentinelWorld implements World {
  static async start(): Promise<SentinelWorld> {
    return new SentinelWorld(await SentinelGroup.start());
  }

  readonly kind = 'sentinel';

  private constructor(readonly group: SentinelGroup) {}

  async connection(): Promise<Connection> {
    const { sentinels, name } = this.group;
    return { kind: 'sentinel', sentinels, name };
  }

  async keys(): Promise<string[]> {
    const client = (await this.group.master()).client();
    const keys = await client.keys('*');
    client.disconnect();
    return keys;
  }

  stop(): Promise<void> {
    return this.group.stop();
  }
}
