import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { judgesOfSafety, mayBeRetried } from './retried-specs.js';

const path = (of: string) => fileURLToPath(new URL(`../../${of}`, import.meta.url));

describe('in CI', () => {
  it.each([
    'test/evidence/checker/check.spec.ts',
    'test/faults/quorum-five-servers.spec.ts',
    'test/fuzz/names.spec.ts',
    'test/simulation/quorum/quorum-simulation.spec.ts',
  ])('%s is not tried again: what violates exclusion once has violated it', (spec) => {
    expect(existsSync(path(spec))).toBe(true);
    expect(mayBeRetried(path(spec))).toBe(false);
  });

  it('what only takes longer on a busy machine is', () => {
    expect(mayBeRetried(path('test/faults/time-limits.spec.ts'))).toBe(true);
    expect(mayBeRetried(path('test/deployments/sentinel.spec.ts'))).toBe(true);
  });

  it('the list is of what there is, and of the paths that specs have', () => {
    expect(judgesOfSafety().filter((judge) => !existsSync(judge))).toEqual([]);
    expect(expect.getState().testPath).toBe(fileURLToPath(import.meta.url));
  });
});
