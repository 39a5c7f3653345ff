import { readFileSync } from 'node:fs';
import { findPackageJSON } from '../support/find-package-json.mjs';

/** The version of an installed package. */
export const versionOf = (packageName) =>
  JSON.parse(readFileSync(findPackageJSON(packageName), 'utf8')).version.replace(/^v/, '');
