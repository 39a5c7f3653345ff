import { readFileSync } from 'node:fs';
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

class BenchModule {}

export default {
  name: 'nestjs-locker',
  version,
  note: 'as `LockModule.forRoot({ redis, ttl })` provides it; renews at a third of the ttl',
  renews: true,
  async setUp({ url, ttlMs, library }) {
    const { LockModule, LockService } = await import(library);
    const app = await NestFactory.createApplicationContext(
      { module: BenchModule, imports: [LockModule.forRoot({ redis: url, ttl: ttlMs })] },
      { logger: ['error', 'warn'] },
    );
    const locks = app.get(LockService);
    const options = { wait: Infinity };
    const acquire = (name) => locks.acquire(name, options);
    return {
      acquire,
      release: (lock) => lock.release(),
      hold: acquire,
      isLost: (lock) => !lock.isHeld,
    };
  },
};
