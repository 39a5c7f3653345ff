/**
 * Health for Terminus.
 *
 * @module nestjs-locker/terminus
 */
export {
  type LockHealth,
  LockHealthIndicator,
  type LockHealthOptions,
  type LockHealthProblem,
} from './lock-health.indicator.js';
