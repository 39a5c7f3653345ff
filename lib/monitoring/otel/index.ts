/**
 * Metrics and spans for OpenTelemetry.
 *
 * @module nestjs-locker/otel
 */
export { LockOtelModule } from './lock-otel.module.js';
export { type LockOtelOptions, observeLocks } from './observe-locks.js';
