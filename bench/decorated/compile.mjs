import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformFileSync } from '@swc/core';

const CACHE = fileURLToPath(new URL('../.cache/', import.meta.url));

/** Compiles and loads a TypeScript file beside this one, with decorators as Nest has them. */
export async function loadTypeScript(file, library) {
  const { code } = transformFileSync(fileURLToPath(new URL(file, import.meta.url)), {
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: 'es6' },
  });
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(join(CACHE, 'decorated-'));
  const target = join(directory, 'program.mjs');
  try {
    writeFileSync(target, code.replace(/(['"])nestjs-locker\1/g, JSON.stringify(library)));
    return await import(pathToFileURL(target));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
