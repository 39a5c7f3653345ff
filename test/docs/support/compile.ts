import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Excerpt } from './excerpt.js';
import { ROOT } from './markdown.js';

export interface Compiled {
  /** Of each excerpt, what is wrong with it, by the page's lines; excerpts that are right have none. */
  readonly problems: ReadonlyMap<Excerpt, readonly string[]>;
  /** Where the module of an excerpt is. */
  readonly fileOf: (excerpt: Excerpt) => string;
}

/** One program of all excerpts, with the options of the project; their modules are written to a directory. */
export function compile(
  excerpts: readonly Excerpt[],
  directory: string,
  { emits = true } = {},
): Compiled {
  const sources = new Map(excerpts.map((each) => [join(directory, each.name), each]));
  const options = optionsOfTheProject();
  const host = ts.createCompilerHost(options);
  const onDisk = ts.createCompilerHost(options);
  host.fileExists = (file) => sources.has(file) || onDisk.fileExists(file);
  host.readFile = (file) => sources.get(file)?.source ?? onDisk.readFile(file);
  host.getSourceFile = (file, version, ...rest) => {
    const excerpt = sources.get(file);
    if (!excerpt) return onDisk.getSourceFile(file, version, ...rest);
    const source = ts.createSourceFile(file, excerpt.source, version, true);
    source.impliedNodeFormat = ts.ModuleKind.ESNext;
    return source;
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  const problems = new Map<Excerpt, readonly string[]>();
  for (const [file, excerpt] of sources) {
    const source = program.getSourceFile(file)!;
    const found = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    problems.set(
      excerpt,
      found.map((each) => onPage(each, excerpt)),
    );
    if (!emits) continue;
    program.emit(source, (path, text) => {
      if (path.endsWith('.js')) writeFileSync(file.replace(/ts$/, 'js'), text);
    });
  }
  return {
    problems,
    fileOf: ({ name }) => join(directory, name.replace(/ts$/, 'js')),
  };
}

function optionsOfTheProject(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) =>
    ts.sys.readFile(file),
  );
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ROOT);
  return {
    ...options,
    rootDir: undefined,
    noEmit: false,
    // A page shows what matters, and uses what it has declared further down, or not at all.
    noUnusedLocals: false,
    noUnusedParameters: false,
    isolatedModules: false,
    verbatimModuleSyntax: false,
  };
}

function onPage(found: ts.Diagnostic, { block, pageLines }: Excerpt): string {
  const { file, start } = found;
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0;
  const at = pageLines[line] || `${block.line} (beside it)`;
  return `${block.file}:${at}: ${ts.flattenDiagnosticMessageText(found.messageText, ' ')}`;
}
