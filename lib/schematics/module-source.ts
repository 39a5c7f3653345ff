import type ts from 'typescript';
import type { TypeScript } from './project-typescript.js';

/** What is to stand in a module's imports: `name.call`, imported `from` a package. */
export interface ModuleImport {
  readonly name: string;
  readonly from: string;
  readonly call: string;
}

/**
 * The source of a module is not as expected; the message says what was.
 *
 * @internal
 */
export class RefusedSource extends Error {}

/** Text to be put in at a position. */
interface Insertion {
  readonly at: number;
  readonly text: string;
}

/**
 * The source with one more entry in the module's imports, in the file's own style; the same source if
 * the entry is there already.
 *
 * @throws {RefusedSource} where the module cannot be told or its imports cannot be added to.
 *
 * @internal
 */
export function addImport(
  text: string,
  className: string | undefined,
  added: ModuleImport,
  typescript: TypeScript,
): string {
  const source = typescript.createSourceFile(
    'module.ts',
    text,
    typescript.ScriptTarget.Latest,
    true,
  );
  const local = findImport(source, added, typescript);
  const metadata = findMetadata(source, className, typescript);
  const imports = findImports(metadata, typescript);
  const known = local ?? added.name;
  if (imports && local && mentions(imports, local, typescript)) return text;
  // Somebody may have a LockModule of his own.
  const isTaken = !local && declares(source, added.name, typescript);
  const name = isTaken ? `Nestjs${added.name}` : known;
  const entry = `${name}.${added.call}`;
  const insertions = [
    imports
      ? intoArray(imports, entry, source)
      : intoObject(metadata, `imports: [${entry}]`, source),
    ...(local ? [] : [importStatement(source, isTaken ? name : undefined, added, typescript)]),
  ];
  return insertions
    .toSorted((a, b) => b.at - a.at)
    .reduce((result, { at, text: put }) => result.slice(0, at) + put + result.slice(at), text);
}

/** Under which name the file has it already. */
function findImport(
  source: ts.SourceFile,
  { name, from }: ModuleImport,
  typescript: TypeScript,
): string | undefined {
  for (const statement of source.statements) {
    if (!typescript.isImportDeclaration(statement)) continue;
    const { importClause, moduleSpecifier } = statement;
    if ((moduleSpecifier as ts.StringLiteral).text !== from || isTypeOnly(importClause)) continue;
    const bindings = importClause?.namedBindings;
    if (!bindings) continue;
    if (typescript.isNamespaceImport(bindings)) return `${bindings.name.text}.${name}`;
    const element = bindings.elements.find(
      (each) => !each.isTypeOnly && (each.propertyName ?? each.name).text === name,
    );
    if (element) return element.name.text;
  }
  return undefined;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  // `phaseModifier` in newer compilers, with the older name kept.
  return clause?.isTypeOnly === true;
}

function declares(source: ts.SourceFile, name: string, typescript: TypeScript): boolean {
  return source.statements.some((statement) => {
    if (typescript.isImportDeclaration(statement)) {
      const { name: byDefault, namedBindings } = statement.importClause ?? {};
      if (byDefault?.text === name) return true;
      if (!namedBindings) return false;
      return typescript.isNamespaceImport(namedBindings)
        ? namedBindings.name.text === name
        : namedBindings.elements.some((each) => each.name.text === name);
    }
    if (typescript.isVariableStatement(statement))
      return statement.declarationList.declarations.some(
        (each) => typescript.isIdentifier(each.name) && each.name.text === name,
      );
    return (
      (typescript.isClassDeclaration(statement) || typescript.isFunctionDeclaration(statement)) &&
      statement.name?.text === name
    );
  });
}

/** The object in the `@Module({…})` of the class, or of the only class that has one. */
function findMetadata(
  source: ts.SourceFile,
  className: string | undefined,
  typescript: TypeScript,
): ts.ObjectLiteralExpression {
  const modules = source.statements.flatMap((statement) => {
    if (!typescript.isClassDeclaration(statement)) return [];
    const decorator = typescript
      .getDecorators(statement)
      ?.find(({ expression }) => isModuleCall(expression, source, typescript));
    return decorator ? [{ statement, call: decorator.expression as ts.CallExpression }] : [];
  });
  const named = modules.filter(({ statement }) => statement.name?.text === className);
  const candidates = named.length === 1 ? named : modules;
  const [module] = candidates;
  if (!module) throw new RefusedSource('it has no class with a @Module decorator');
  if (candidates.length > 1) {
    const names = modules.map(({ statement }) => statement.name?.text ?? 'a class without a name');
    throw new RefusedSource(`it has several modules (${names.join(', ')})`);
  }
  const [metadata] = module.call.arguments;
  if (metadata && typescript.isObjectLiteralExpression(metadata)) return metadata;
  throw new RefusedSource('its @Module decorator is not given an object that stands there');
}

function isModuleCall(
  expression: ts.Expression,
  source: ts.SourceFile,
  typescript: TypeScript,
): boolean {
  if (!typescript.isCallExpression(expression)) return false;
  const called = expression.expression;
  if (typescript.isPropertyAccessExpression(called)) return called.name.text === 'Module';
  if (!typescript.isIdentifier(called)) return false;
  const nest = { name: 'Module', from: '@nestjs/common', call: '' };
  return called.text === (findImport(source, nest, typescript) ?? 'Module');
}

function findImports(
  metadata: ts.ObjectLiteralExpression,
  typescript: TypeScript,
): ts.ArrayLiteralExpression | undefined {
  const property = metadata.properties.find(({ name }) => {
    return (
      name &&
      (typescript.isIdentifier(name) || typescript.isStringLiteral(name)) &&
      name.text === 'imports'
    );
  });
  const spread = metadata.properties.findLast((each) => typescript.isSpreadAssignment(each));
  // Of two imports in one object the later one counts alone.
  if (spread && !(property && property.pos > spread.pos))
    throw new RefusedSource(
      `what "${spread.getText()}" brings into its @Module decorator may be imports, too`,
    );
  if (!property) return undefined;
  if (typescript.isPropertyAssignment(property)) {
    const { initializer } = property;
    if (typescript.isArrayLiteralExpression(initializer)) return initializer;
  }
  throw new RefusedSource("its module's imports are not an array that stands there");
}

/** Wherever it stands: as an entry, with a call, in a condition, in a spread. */
function mentions(node: ts.Node, name: string, typescript: TypeScript): boolean {
  const isAccess = typescript.isPropertyAccessExpression(node);
  if ((isAccess || typescript.isIdentifier(node)) && node.getText() === name) return true;
  // What stands behind a dot is no name of this file.
  if (isAccess) return mentions(node.expression, name, typescript);
  return typescript.forEachChild(node, (child) => mentions(child, name, typescript)) ?? false;
}

/** After the last entry; a comma or a comment behind it stays where it is. */
function intoArray(
  array: ts.ArrayLiteralExpression,
  entry: string,
  source: ts.SourceFile,
): Insertion {
  const last = array.elements.at(-1);
  if (!last) return { at: array.getStart(source) + 1, text: entry };
  return { at: last.getEnd(), text: `,${separatorBefore(last, source)}${entry}` };
}

function intoObject(
  object: ts.ObjectLiteralExpression,
  property: string,
  source: ts.SourceFile,
): Insertion {
  const [first] = object.properties;
  // Imports stand first in Nest's own modules.
  const at = object.getStart(source) + 1;
  if (!first) return { at, text: ` ${property} ` };
  return { at: first.getStart(source), text: `${property},${separatorBefore(first, source)}` };
}

/** A line break with the line's indentation where the node begins a line, else a space. */
function separatorBefore(node: ts.Node, source: ts.SourceFile): string {
  const before = source.text.slice(0, node.getStart(source));
  return /\r?\n[ \t]*$/.exec(before)?.[0] ?? ' ';
}

function importStatement(
  source: ts.SourceFile,
  alias: string | undefined,
  { name, from }: ModuleImport,
  typescript: TypeScript,
): Insertion {
  const imports = source.statements.filter((each) => typescript.isImportDeclaration(each));
  const last = imports.at(-1);
  const style = last?.getText(source) ?? `'';`;
  const quote = style.includes('"') ? '"' : "'";
  const end = style.endsWith(';') ? ';' : '';
  const newline = source.text.includes('\r\n') ? '\r\n' : '\n';
  const binding = alias ? `${name} as ${alias}` : name;
  const statement = `import { ${binding} } from ${quote}${from}${quote}${end}`;
  if (last) return { at: last.getEnd(), text: newline + statement };
  const at = source.statements[0]?.getStart(source) ?? 0;
  return { at, text: `${statement}${newline}${newline}` };
}
