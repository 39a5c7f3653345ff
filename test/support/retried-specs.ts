import { fileURLToPath } from 'node:url';

/**
 * Specs that judge safety: two that held at the same time did so, however busy the machine was. What fails there
 * once has failed.
 */
const JUDGE_SAFETY = [
  'test/evidence/',
  'test/fuzz/',
  'test/simulation/',
  'test/faults/fixtures/',
  'test/faults/once-crash.spec.ts',
  'test/faults/quorum-five-servers.spec.ts',
  'test/faults/quorum-split.spec.ts',
  'test/faults/tokens.spec.ts',
  'test/support/holding-journal.spec.ts',
];

const root = fileURLToPath(new URL('../../', import.meta.url));

/** @param path of a spec, from the root of the file system */
export const mayBeRetried = (path: string): boolean =>
  !JUDGE_SAFETY.some((judge) => path.startsWith(root + judge));

/** Those that the list names, to be compared with what there is. */
export const judgesOfSafety = (): readonly string[] => JUDGE_SAFETY.map((judge) => root + judge);
