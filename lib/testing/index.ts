/**
 * Stores and a clock for your own tests.
 *
 * @module nestjs-locker/testing
 */
export { ManualClock } from './manual.clock.js';
export { type FailableStep, type FailureOptions, TestLockStore } from './test-lock.store.js';
export { UnlockedStore } from './unlocked.store.js';
export { withoutLocks } from './without-locks.js';
