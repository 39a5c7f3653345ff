/** @internal */
export const DASHBOARD_OPTIONS = Symbol.for('nestjs-locker:dashboard-options');
