import { createRequire } from 'node:module';
import { describe } from '@jest/globals';

const { version } = createRequire(import.meta.url)('@nestjs/common/package.json') as {
  version: string;
};

/** It would tell nothing new of an older Nest: simulations are about the core, which has none. */
export const describeOnNewest = version.startsWith('11.') ? describe.skip : describe;
