import { parseExpressionAt } from 'acorn';
import type { AssignmentProperty, Expression, Options, Pattern, RestElement } from 'acorn';

/**
 * A name that a parameter binds, and where its value is found in the argument.
 *
 * @example
 * // of `issue({ id, customer: { name: n } })`
 * const binding: Binding = { name: 'n', path: ['customer', 'name'], hasDefault: false };
 */
export interface Binding {
  readonly name: string;
  /** Empty for the argument itself; `null` where no path leads (rest, computed keys). */
  readonly path: readonly string[] | null;
  /** A default stands for it, which is only known inside the method. */
  readonly hasDefault: boolean;
}

/**
 * One parameter of a method.
 *
 * @example
 * // of `issue(invoice)`
 * const parameter: Parameter = {
 *   label: 'invoice',
 *   isRest: false,
 *   bindings: [{ name: 'invoice', path: [], hasDefault: false }],
 * };
 */
export interface Parameter {
  /** As it is written, without its default: for messages. */
  readonly label: string;
  readonly isRest: boolean;
  /** One for a plain parameter, any number for a destructured one. */
  readonly bindings: readonly Binding[];
}

/**
 * The parameters of a method as its source has them.
 *
 * @example
 * const { parameters, namesAreGone } = readSignature(method) ?? { parameters: [], namesAreGone: true };
 */
export interface Signature {
  readonly parameters: readonly Parameter[];
  /** It takes whatever comes: `(...args)`, or `()` with `arguments`. Most likely a wrapper. */
  readonly namesAreGone: boolean;
}

/**
 * Reads the parameters of a function or method from its source; `null` where that cannot be read: of
 * native code, a bound function, a Proxy, a class. Throws nothing.
 *
 * @example
 * readSignature(InvoiceService.prototype.issue)?.parameters.map(({ label }) => label); // ['invoice']
 */
export function readSignature(method: Function): Signature | null {
  // Not method.toString(): a function may have a toString of its own.
  const source = Function.prototype.toString.call(method);
  const parameters = readFunction(source) ?? readMethod(source);
  return parameters && { parameters, namesAreGone: takesWhateverComes(parameters, source) };
}

/**
 * Finds the parameter that binds a name, plain or destructured.
 *
 * @example
 * findBinding(signature, 'id'); // { name: 'id', path: ['id'], hasDefault: false, position: 0 }
 */
export function findBinding(
  { parameters }: Signature,
  name: string,
): (Binding & { readonly position: number }) | undefined {
  for (const [position, { bindings }] of parameters.entries()) {
    const binding = bindings.find((candidate) => candidate.name === name);
    if (binding) return { ...binding, position };
  }
  return undefined;
}

// `super`, `#private` and `import.meta` belong to the class and the module around the source.
const PARSE_OPTIONS: Options = {
  ecmaVersion: 'latest',
  checkPrivateFields: false,
  allowSuperOutsideMethod: true,
  allowImportExportEverywhere: true,
};

function readFunction(source: string): Parameter[] | null {
  const code = `(${source})`;
  const node = parse(code);
  if (node?.type !== 'FunctionExpression' && node?.type !== 'ArrowFunctionExpression') return null;
  return node.params.map((pattern) => toParameter(pattern, code));
}

function readMethod(source: string): Parameter[] | null {
  const code = `(class { ${source} })`;
  const node = parse(code);
  const member = node?.type === 'ClassExpression' ? node.body.body[0] : undefined;
  if (member?.type !== 'MethodDefinition') return null;
  return member.value.params.map((pattern) => toParameter(pattern, code));
}

function parse(code: string): Expression | null {
  try {
    return parseExpressionAt(code, 0, PARSE_OPTIONS);
  } catch {
    return null;
  }
}

function takesWhateverComes(parameters: readonly Parameter[], source: string): boolean {
  // A mere mention of `arguments` is enough: it only spares a method without parameters a check.
  if (parameters.length === 0) return /\barguments\b/.test(source);
  return parameters.length === 1 && parameters[0].isRest;
}

function toParameter(pattern: Pattern, code: string): Parameter {
  const labelled = pattern.type === 'AssignmentPattern' ? pattern.left : pattern;
  return {
    label: code.slice(labelled.start, labelled.end).replace(/\s+/g, ' '),
    isRest: pattern.type === 'RestElement',
    bindings: bindingsOf(pattern, [], false),
  };
}

type Path = Binding['path'];

function bindingsOf(pattern: Pattern, path: Path, hasDefault: boolean): Binding[] {
  switch (pattern.type) {
    case 'Identifier':
      return [{ name: pattern.name, path, hasDefault }];
    case 'AssignmentPattern':
      return bindingsOf(pattern.left, path, true);
    case 'RestElement':
      return bindingsOf(pattern.argument, null, hasDefault);
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        bindingsOfProperty(property, path, hasDefault),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((element, index) =>
        element === null ? [] : bindingsOf(element, step(path, String(index)), hasDefault),
      );
    case 'MemberExpression':
      return []; // a target of assignments only
  }
}

function bindingsOfProperty(
  property: AssignmentProperty | RestElement,
  path: Path,
  hasDefault: boolean,
): Binding[] {
  if (property.type === 'RestElement') return bindingsOf(property, path, hasDefault);
  return bindingsOf(property.value, step(path, keyOf(property)), hasDefault);
}

function keyOf({ key, computed }: AssignmentProperty): string | null {
  if (key.type === 'Literal') return String(key.value);
  return key.type === 'Identifier' && !computed ? key.name : null;
}

function step(path: Path, key: string | null): Path {
  return path === null || key === null ? null : [...path, key];
}
