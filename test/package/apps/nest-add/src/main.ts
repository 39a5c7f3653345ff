import { NestFactory } from '@nestjs/core';
import { LockService } from 'nestjs-locker';
import { AppModule } from './app.module.js';

/** Starts only if AppModule has LockModule, which `nest add` puts there. */
async function main() {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  try {
    const locks = app.get(LockService);
    return await locks.withLock('invoice:42', async (lock) => {
      const holder = await locks.inspect('invoice:42');
      return holder?.fencingToken === lock.fencingToken;
    });
  } finally {
    await app.close();
  }
}

main().then(
  (isHeldHere) => console.log(JSON.stringify({ isHeldHere })),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
