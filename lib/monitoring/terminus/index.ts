export {
  type LockHealth,
  LockHealthIndicator,
  type LockHealthOptions,
  type LockHealthProblem,
} from './lock-health.indicator.js';
