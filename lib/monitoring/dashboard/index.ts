/**
 * The page that shows and releases locks.
 *
 * @module nestjs-locker/dashboard
 */
export type {
  LockDashboardActions,
  LockDashboardAsyncOptions,
  LockDashboardOptions,
  LockDashboardPlace,
} from './dashboard-options.js';
export { LockDashboardModule } from './lock-dashboard.module.js';
