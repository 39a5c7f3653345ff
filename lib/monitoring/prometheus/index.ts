/**
 * Metrics for Prometheus.
 *
 * @module nestjs-locker/prometheus
 */
export { LockPrometheusModule, type LockPrometheusOptions } from './lock-prometheus.module.js';
export { observeLocks } from './observe-locks.js';
