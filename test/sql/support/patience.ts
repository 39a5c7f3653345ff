import { jest } from '@jest/globals';

/** Of hooks and tests: on a busy machine a server alone may take more than a minute until it answers. */
export const PATIENCE_MS = 120_000;

jest.setTimeout(PATIENCE_MS);
