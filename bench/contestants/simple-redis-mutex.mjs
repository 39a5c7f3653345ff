import { createClient } from 'redis';
import { DEFAULT_POLLING_INTERVAL, lock } from 'simple-redis-mutex';
import { countCommandsOf } from '../support/command-counter.mjs';
import { versionOf } from './version-of.mjs';

export default {
  name: 'simple-redis-mutex',
  version: versionOf('simple-redis-mutex'),
  note: 'on node-redis, which it needs; told of releases by pub/sub, polls every 10 s (its default, but not less often than each ttl); no renewal of its own',
  async setUp({ url, ttlMs }) {
    const client = createClient({ url });
    countCommandsOf(client);
    await client.connect();
    const options = {
      timeout: ttlMs,
      pollingInterval: Math.min(DEFAULT_POLLING_INTERVAL, ttlMs),
    };
    return {
      acquire: (name) => lock(client, name, options),
      release: (release) => release(),
    };
  },
};
