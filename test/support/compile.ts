import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';

const LIB = fileURLToPath(new URL('../../lib/', import.meta.url));

/** A folder beside the packages of the project that runs, so that Node finds the same Nest and ioredis. */
export function makeWorkshop(): string {
  const { resolve: find } = createRequire(import.meta.url);
  const packages = resolve(dirname(find('@nestjs/common/package.json')), '../..');
  const cache = join(packages, '.cache');
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, 'nestjs-locker-'));
}

export function compile(source: string, target: string): void {
  const { code } = transformFileSync(source, {
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: 'es6' },
  });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code);
}

/** Compiles the library as it is now. */
export function compileLibrary(target: string): void {
  for (const name of readdirSync(LIB, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
    compile(join(LIB, name), join(target, name.replace(/ts$/, 'js')));
  }
}
