import type { Tree } from '@angular-devkit/schematics';
import { posix } from 'node:path';
import type ts from 'typescript';
import { RefusedSource } from './module-source.js';
import type { TypeScript } from './project-typescript.js';

/** Where the module stands that an application is made of. */
export interface RootModule {
  readonly path: string;
  /** As `main.ts` tells it; else the file's own module is meant. */
  readonly className: string | undefined;
}

/**
 * The module that the user names, or that `main.ts` creates the application from, or `app.module.ts`.
 *
 * @throws {RefusedSource} where there is none.
 *
 * @internal
 */
export function findRootModule(
  tree: Tree,
  typescript: TypeScript,
  options: { readonly sourceRoot?: string; readonly module?: string },
): RootModule {
  const sourceRoot = posix.join('/', options.sourceRoot ?? 'src');
  if (options.module !== undefined) {
    const named = ['/', sourceRoot].map((from) => posix.join(from, options.module!));
    const path = firstFile(tree, named.flatMap(withEndings));
    if (path) return { path, className: undefined };
    throw new RefusedSource(
      `there is no file ${options.module}, neither here nor in ${sourceRoot}`,
    );
  }
  const main = firstFile(tree, withEndings(posix.join(sourceRoot, 'main')));
  const bootstrapped = main && readMain(tree, main, typescript);
  if (bootstrapped) return bootstrapped;
  const path = firstFile(tree, withEndings(posix.join(sourceRoot, 'app.module')));
  if (path) return { path, className: undefined };
  throw new RefusedSource(
    `there is no app.module.ts in ${sourceRoot}, and no main.ts that creates an application`,
  );
}

function readMain(tree: Tree, path: string, typescript: TypeScript): RootModule | undefined {
  const source = typescript.createSourceFile(
    path,
    tree.read(path)!.toString('utf8'),
    typescript.ScriptTarget.Latest,
  );
  const created = createdFrom(source, typescript);
  if (created === undefined) return undefined;
  for (const statement of source.statements) {
    if (!typescript.isImportDeclaration(statement)) continue;
    const imported = statement.importClause;
    const from = (statement.moduleSpecifier as ts.StringLiteral).text;
    if (!imported || !from.startsWith('.')) continue;
    const target = posix.join(posix.dirname(path), from);
    const file = firstFile(tree, withEndings(target));
    if (!file) continue;
    if (imported.name?.text === created) return { path: file, className: undefined };
    const { namedBindings } = imported;
    if (!namedBindings || !typescript.isNamedImports(namedBindings)) continue;
    const element = namedBindings.elements.find(({ name }) => name.text === created);
    if (element) return { path: file, className: (element.propertyName ?? element.name).text };
  }
  return undefined;
}

/** `AppModule` of `NestFactory.create(AppModule)`, and of its siblings. */
function createdFrom(source: ts.SourceFile, typescript: TypeScript): string | undefined {
  let found: string | undefined;
  const visit = (node: ts.Node): void => {
    if (found !== undefined) return;
    if (
      typescript.isCallExpression(node) &&
      typescript.isPropertyAccessExpression(node.expression) &&
      typescript.isIdentifier(node.expression.expression) &&
      node.expression.expression.text === 'NestFactory'
    ) {
      const [first] = node.arguments;
      if (first && typescript.isIdentifier(first)) found = first.text;
    }
    typescript.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** An import names `app.module`, `app.module.js` or `app.module.ts`; users name `app`, too. */
function withEndings(path: string): string[] {
  const bare = path.replace(/\.[cm]?[jt]s$/, '');
  return [path, ...['.ts', '.mts', '.cts', '.js', '.mjs', '.module.ts'].map((end) => bare + end)];
}

function firstFile(tree: Tree, paths: readonly string[]): string | undefined {
  // A directory of that name is none: tree.exists asks for files.
  return paths.find((path) => tree.exists(path));
}
