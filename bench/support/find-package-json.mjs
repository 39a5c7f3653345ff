import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/** Where a package's package.json is, also where its `exports` hide the file. */
export function findPackageJSON(packageName) {
  const file = (require.resolve.paths(packageName) ?? [])
    .map((directory) => join(directory, packageName, 'package.json'))
    .find((candidate) => existsSync(candidate));
  if (!file) throw new Error(`${packageName} is not installed`);
  return file;
}
