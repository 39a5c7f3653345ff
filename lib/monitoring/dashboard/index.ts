export type {
  LockDashboardActions,
  LockDashboardAsyncOptions,
  LockDashboardOptions,
  LockDashboardPlace,
} from './dashboard-options.js';
export { LockDashboardModule } from './lock-dashboard.module.js';
