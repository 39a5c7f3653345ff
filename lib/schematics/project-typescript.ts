import { createRequire } from 'node:module';
import { join } from 'node:path';
import type ts from 'typescript';

/** The compiler as a library; TypeScript 7 has none under this name. */
export type TypeScript = typeof ts;

/**
 * The TypeScript of the project in this directory, else the one that the Nest CLI brings.
 *
 * @throws {Error} where neither can parse.
 *
 * @internal
 */
export function projectTypeScript(directory: string, cli: string | undefined): TypeScript {
  const places = [join(directory, 'package.json'), ...(cli ? [cli] : [])];
  for (const place of places) {
    try {
      const found = createRequire(place)('typescript') as Partial<TypeScript>;
      if (typeof found.createSourceFile === 'function') return found as TypeScript;
    } catch {
      // The next place may have it.
    }
  }
  throw new Error(
    'there is no TypeScript 5 or 6 in this project to read the module with; npm install -D typescript@6',
  );
}
