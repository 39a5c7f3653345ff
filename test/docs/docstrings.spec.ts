import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ENTRIES = [
  'lib/index.ts',
  'lib/fencing/index.ts',
  'lib/monitoring/dashboard/index.ts',
  'lib/monitoring/otel/index.ts',
  'lib/monitoring/prometheus/index.ts',
  'lib/monitoring/terminus/index.ts',
  'lib/testing/index.ts',
];

const program = ts.createProgram(ENTRIES, {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  skipLibCheck: true,
  stripInternal: true,
});

/** Everything that a user can import, and every public member of its classes. */
function publicSymbols(entry: string): { name: string; comment: string; tags: string[] }[] {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
  return checker.getExportsOfModule(module).map((exported) => {
    const symbol =
      exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    return {
      name: exported.name,
      comment: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
      tags: symbol.getJsDocTags(checker).map((tag) => tag.name),
    };
  });
}

describe.each(ENTRIES)('every symbol that %s exports', (entry) => {
  const symbols = publicSymbols(entry);

  it('has a docstring', () => {
    expect(symbols.length).toBeGreaterThan(2);
    expect(symbols.filter(({ comment }) => comment === '').map(({ name }) => name)).toEqual([]);
  });

  it('has an example', () => {
    const without = symbols.filter(({ tags }) => !tags.includes('example'));
    expect(without.map(({ name }) => name)).toEqual([]);
  });
});
