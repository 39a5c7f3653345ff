import { readFileSync } from 'node:fs';
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

class BenchModule {}

async function setUp({ library }, options) {
  const { LockModule, LockService } = await import(library);
  const app = await NestFactory.createApplicationContext(
    { module: BenchModule, imports: [LockModule.forRoot(options)] },
    { logger: ['error', 'warn'], abortOnError: false },
  );
  const locks = app.get(LockService);
  const endless = { wait: Infinity };
  const acquire = (name) => locks.acquire(name, endless);
  return {
    acquire,
    release: (lock) => lock.release(),
    hold: acquire,
    isLost: (lock) => !lock.isHeld,
    facts: () => factsOf(locks),
  };
}

/** Which no user needs, and so no public method tells. */
function factsOf({ store }) {
  const { one, more } = store.roundCounts ?? {};
  return one > 0 ? { oneRound: one / (one + more) } : {};
}

export default {
  name: 'nestjs-locker',
  version,
  note: 'as `LockModule.forRoot({ redis, ttl })` provides it; renews at a third of the ttl',
  renews: true,
  setUp: ({ url, ...settings }) => setUp(settings, { redis: url, ttl: settings.ttlMs }),
  overNodes: {
    note: 'as `LockModule.forRoot({ nodes, ttl, firstDeployment: true })` provides it',
    setUp: ({ urls, ...settings }) =>
      setUp(settings, { nodes: urls, ttl: settings.ttlMs, firstDeployment: true }),
  },
};
