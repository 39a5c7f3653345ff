import type { LibraryName } from '../plan.js';
import type { OpenLocks } from './library.js';

/** Loads one library alone: the others have no part in the process. */
export async function loadLibrary(name: LibraryName): Promise<OpenLocks> {
  const { openLocks } = (await import(`./${name}.js`)) as { openLocks: OpenLocks };
  return openLocks;
}
