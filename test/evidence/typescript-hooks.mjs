// Module hooks: TypeScript is compiled as it is loaded. The library itself is the built package, as users have
// it, or with EVIDENCE_OF=source its sources, for specs that must not depend on a build.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const SOURCES = {
  'nestjs-locker': '../../lib/index.ts',
  'nestjs-locker/fencing': '../../lib/fencing/index.ts',
};

export async function resolve(specifier, context, next) {
  const source = process.env.EVIDENCE_OF === 'source' && SOURCES[specifier];
  if (source) return { url: new URL(source, import.meta.url).href, shortCircuit: true };
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL) {
    const typescript = new URL(specifier.replace(/js$/, 'ts'), context.parentURL);
    if (typescript.protocol === 'file:' && existsSync(typescript)) {
      return { url: typescript.href, shortCircuit: true };
    }
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { code } = await transformFile(fileURLToPath(url), {
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
}
