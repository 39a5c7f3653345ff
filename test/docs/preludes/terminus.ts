import type { HealthCheckService } from '@nestjs/terminus';
import type { LockHealthIndicator } from 'nestjs-locker/terminus';

/** Where `locks` is the indicator. */
export default async function terminus() {
  return {
    locks: undefined as unknown as LockHealthIndicator,
    health: undefined as unknown as HealthCheckService,
  };
}
