import ts from 'typescript';
import { type Block, read } from './markdown.js';

/** A module made of a block, and where its lines stand on the page. */
export interface Excerpt {
  readonly block: Block;
  /** Without a directory. */
  readonly name: string;
  readonly source: string;
  /** Of each line of the module, the page's; 0 is what the page does not show. */
  readonly pageLines: readonly number[];
}

interface Line {
  readonly text: string;
  readonly at: number;
}

interface Chunk {
  readonly kind: 'statements' | 'members';
  readonly lines: readonly Line[];
}

/** What an excerpt finds around it. */
export interface Prelude {
  readonly name: string;
  /** What its default export gives: values, made anew for each block. */
  readonly values: ReadonlySet<string>;
  /** What it exports besides – types, classes, functions –, and from where. */
  readonly exports: ReadonlyMap<string, { readonly from: string; readonly as: string }>;
}

const PRELUDES = 'test/docs/preludes/';

/** How members of a class begin, after comments. */
const MEMBER = /^(\s*(\/\/.*)?\n)*\s*(@|constructor\(|async \w+\(|catch \(error: )/;

/**
 * The block as a function `run(context)` in a module of its own. What it does not declare comes from the
 * preludes; members of a class stand in a class, which the context makes as Nest makes providers.
 */
export function excerptOf(
  block: Block,
  preludes: readonly Prelude[] = ['imports', 'base', ...namesIn(block)].map(preludeOf),
): Excerpt {
  const lines = block.text.split('\n').map((text, index) => ({ text, at: block.line + index }));
  const { imports, rest } = splitImports(lines);
  const used = identifiersIn(block);
  const own = new Set(imports.flatMap(({ names }) => names));
  const hidden: Line[] = [];
  const say = (text: string): number => hidden.push({ text, at: 0 });

  const factories = preludes.filter(({ values }) => values.size > 0);
  for (const { exports } of preludes) {
    for (const [each, { from, as }] of exports) {
      if (!used.has(each) || own.has(each)) continue;
      own.add(each);
      say(`import { ${as} } from '${from}';`);
    }
  }
  factories.forEach(({ name }, index) => {
    say(`import type prelude${index} from '../preludes/${name}.js';`);
  });
  say('type Over<Later, Earlier> = Later & Omit<Earlier, keyof Later>;');
  const contexts = factories.map((_, index) => `Awaited<ReturnType<typeof prelude${index}>>`);
  say(`type Context = ${contexts.reduce((earlier, each) => `Over<${each}, ${earlier}>`)};`);
  say('export async function run(this: Context, the: Context): Promise<any> {');
  const values = new Set(factories.flatMap((prelude) => [...prelude.values]));
  const given = [...values].filter((each) => used.has(each) && !own.has(each));
  say(`const { ${given.join(', ')} } = the; {`);

  const body: Line[] = [];
  let classes = 0;
  for (const chunk of chunksOf(rest, block)) {
    if (chunk.kind === 'statements') {
      body.push(...chunk.lines);
      continue;
    }
    const name = `Excerpt${++classes}`;
    const text = chunk.lines.map((line) => line.text).join('\n');
    const isMissing = (each: string) =>
      text.includes(`this.${each}`) && !text.includes(`readonly ${each}:`);
    const fields = [...values].filter(isMissing);
    const declared = fields.map((each) => `${each} = the.${each};`).join(' ');
    body.push({ text: `class ${name} { ${declared}`, at: 0 }, ...chunk.lines);
    body.push({ text: `} const excerpt${classes} = await the.provide(${name});`, at: 0 });
  }
  const then = block.notes.get('then');
  if (then) body.push({ text: then, at: block.line });
  const all = [
    ...imports.flatMap(({ lines: text }) => text),
    ...hidden,
    ...body,
    { text: '} }', at: 0 },
  ];
  return {
    block,
    name: `${block.file.replace(/\W/g, '-')}-${block.line}.ts`,
    source: all.map(({ text }) => text).join('\n'),
    pageLines: all.map(({ at }) => at),
  };
}

export const namesIn = ({ notes }: Block): string[] =>
  (notes.get('with') ?? '').split(/[, ]+/).filter((name) => name !== '');

const parse = (text: string): ts.SourceFile =>
  ts.createSourceFile('excerpt.ts', text, ts.ScriptTarget.ES2022, true);

const isWhole = (text: string): boolean => {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, experimentalDecorators: true };
  const { diagnostics } = ts.transpileModule(text, { reportDiagnostics: true, compilerOptions });
  return diagnostics!.length === 0;
};

function identifiersIn({ text, notes }: Block): Set<string> {
  return new Set(`${text}\n${notes.get('then') ?? ''}`.match(/[A-Za-z_$][\w$]*/g));
}

/** Imports stand before all else, whatever the block does with the rest. */
function splitImports(lines: readonly Line[]) {
  const imports: { lines: Line[]; names: string[] }[] = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at]!.text.startsWith('import ') && lines[at]!.text !== '') break;
    const from = at;
    while (lines[at]!.text !== '' && !/;\s*(\/\/.*)?$/.test(lines[at]!.text)) at++;
    const statement = lines.slice(from, ++at);
    const names = statement.map(({ text }) => text.replace(/from .*/, '')).join(' ');
    imports.push({ lines: statement, names: names.match(/[A-Za-z_$][\w$]*/g) ?? [] });
  }
  return { imports, rest: lines.slice(at) };
}

/** Paragraphs, as many together as make sense as statements, or as members of a class. */
function chunksOf(lines: readonly Line[], block: Block): Chunk[] {
  // Inside of a function nothing is exported.
  const inner = lines.map(({ text, at }) => ({ text: text.replace(/^export /, ''), at }));
  const chunks: Chunk[] = [];
  const textOf = (from: number, to: number): string =>
    inner
      .slice(from, to)
      .map(({ text }) => text)
      .join('\n');
  for (let from = 0; from < inner.length;) {
    let to = inner.length;
    let kind: Chunk['kind'] | undefined;
    for (; to > from; to--) {
      const isBoundary = to === inner.length || inner[to]!.text === '';
      if (!isBoundary) continue;
      const text = textOf(from, to);
      if (isWhole(`async () => {${text}\n}`)) kind = 'statements';
      else if (MEMBER.test(text) && isWhole(`class Excerpt {${text}\n}`)) {
        kind = 'members';
      }
      if (kind) break;
    }
    if (!kind) {
      throw new Error(
        `${block.file}:${inner[from]!.at}: neither statements nor members of a class`,
      );
    }
    chunks.push({ kind, lines: inner.slice(from, to) });
    from = to;
  }
  return chunks;
}

const known = new Map<string, Prelude>();

/** Read from its text: a program that could tell is made only once all excerpts are. */
export function preludeOf(name: string): Prelude {
  const before = known.get(name);
  if (before) return before;
  const values = new Set<string>();
  const exports = new Map<string, { from: string; as: string }>();
  const here = `../preludes/${name}.js`;
  for (const statement of parse(read(`${PRELUDES}${name}.ts`)).statements) {
    if (ts.isExportDeclaration(statement) && statement.exportClause) {
      if (!ts.isNamedExports(statement.exportClause)) continue;
      // From where it really is, so that only what is used is loaded.
      const module = statement.moduleSpecifier as ts.StringLiteral;
      for (const element of statement.exportClause.elements) {
        const from = module.text.replace(/^\.\//, '../preludes/');
        exports.set(element.name.text, { from, as: element.getText() });
      }
    } else if (ts.isFunctionDeclaration(statement) && isDefault(statement)) {
      const last = statement.body!.statements.at(-1)!;
      if (!ts.isReturnStatement(last) || !last.expression) continue;
      if (!ts.isObjectLiteralExpression(last.expression)) continue;
      for (const { name: property } of last.expression.properties) {
        if (property) values.add(property.getText());
      }
    } else if (isExported(statement) && 'name' in statement) {
      const { text } = statement.name as ts.Identifier;
      exports.set(text, { from: here, as: text });
    } else if (isExported(statement) && ts.isVariableStatement(statement)) {
      for (const { name: variable } of statement.declarationList.declarations) {
        exports.set(variable.getText(), { from: here, as: variable.getText() });
      }
    }
  }
  const prelude = { name, values, exports };
  known.set(name, prelude);
  return prelude;
}

const has = (node: ts.Node, kind: ts.SyntaxKind): boolean =>
  ts.canHaveModifiers(node) && !!ts.getModifiers(node)?.some((modifier) => modifier.kind === kind);
const isExported = (node: ts.Node): boolean => has(node, ts.SyntaxKind.ExportKeyword);
const isDefault = (node: ts.Node): boolean => has(node, ts.SyntaxKind.DefaultKeyword);
