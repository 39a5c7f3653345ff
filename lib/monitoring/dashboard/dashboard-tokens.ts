/** @internal */
export const DASHBOARD_OPTIONS = Symbol.for('nestjs-locker:dashboard-options');
/** @internal Sets the routes right, when it is known of which server. */
export const DASHBOARD_ROUTES = Symbol.for('nestjs-locker:dashboard-routes');
/** @internal Tells one page of an application from another. */
export const DASHBOARD_NUMBER = Symbol.for('nestjs-locker:dashboard-number');
