import type { Limits } from './checker/calls-in-time.js';

export const WAIT_MS = 3_000;
export const STORE_TIMEOUT_MS = 1_000;
/** What a busy machine adds to a limit of a second. */
const SLACK_MS = 750;

/** Within which this library has to answer. */
export const LIMITS: Limits = {
  acquireMs: WAIT_MS + STORE_TIMEOUT_MS + SLACK_MS,
  releaseMs: STORE_TIMEOUT_MS + SLACK_MS,
};
