import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Cluster } from 'ioredis';
import {
  type Lock,
  LockBusyError,
  LockModule,
  type LockModuleOptions,
  LockService,
} from 'nestjs-locker';
import type { LockSettings } from '../plan.js';
import { Busy, type Held, type Locks } from './library.js';

class EvidenceModule {}

function optionsOf({ connection, ttlMs, waitMs, storeTimeoutMs }: LockSettings): LockModuleOptions {
  const common = { ttl: ttlMs, wait: waitMs, storeTimeout: storeTimeoutMs, connectTimeout: 30_000 };
  switch (connection.kind) {
    case 'single':
      return { ...common, redis: connection.url };
    case 'sentinel':
      return {
        ...common,
        redis: { sentinels: [...connection.sentinels], name: connection.name },
      };
    case 'cluster': {
      const cluster = new Cluster([...connection.nodes]);
      cluster.on('error', () => undefined);
      return { ...common, redis: cluster };
    }
    case 'nodes': {
      const { urls, isFirst } = connection;
      return { ...common, nodes: [...urls], firstDeployment: isFirst };
    }
  }
}

const heldBy = (lock: Lock): Held => ({
  token: lock.fencingToken,
  signal: lock.signal,
  isHeld: () => lock.isHeld,
  release: () => lock.release(),
});

async function refusing(acquire: () => Promise<Lock>): Promise<Held> {
  try {
    return heldBy(await acquire());
  } catch (error) {
    throw error instanceof LockBusyError ? new Busy(error.message) : error;
  }
}

export async function openLocks(settings: LockSettings): Promise<Locks> {
  const options = optionsOf(settings);
  const app = await NestFactory.createApplicationContext(
    { module: EvidenceModule, imports: [LockModule.forRoot(options)] },
    { logger: false, abortOnError: false },
  );
  const locks = app.get(LockService);
  return {
    acquire: (name) => refusing(() => locks.acquire(name)),
    ...(settings.connection.kind !== 'nodes' && {
      acquirePermit: (name, permits) => refusing(() => locks.semaphore(name, permits).acquire()),
    }),
    async close() {
      await app.close();
      if (options.redis instanceof Cluster) options.redis.disconnect();
    },
  };
}
