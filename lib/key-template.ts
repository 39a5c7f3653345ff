import { describeValue } from './core/describe-value.js';
import { hasLoneSurrogate } from './core/lock-name.js';
import { type RefuseValue, textInName } from './key-value-text.js';
import { LockKeyError, LockOptionsError } from './lock.errors.js';
import { findBinding, readSignature } from './parameter-names.js';
import type { Signature } from './parameter-names.js';

/** No name is longer. */
const LONGEST = 4_096;
const LONGEST_SHOWN = 300;

/**
 * Makes a lock's name from one call of a method; throws `LockKeyError` for a value of no use.
 *
 * @example
 * const name = keyOf(invoiceService, [{ id: 42 }]); // 'invoice:42'
 */
export type KeyOf = (instance: object, args: readonly unknown[]) => string;

/**
 * The method that a key belongs to, as messages name it.
 *
 * @example
 * const where: MethodLocation = { className: 'InvoiceService', methodName: 'issue' };
 */
export interface MethodLocation {
  readonly className: string;
  readonly methodName: string;
  /** As the compiler has emitted them, if it has. */
  readonly parameterTypes?: readonly unknown[] | undefined;
}

/**
 * Turns a key template into a function of a call, having checked it against the method's parameters.
 *
 * `<invoice.id>` is a path into a parameter, `<0.id>` into a position, `<this.tenant>` into the
 * instance; with a single parameter, `<id>` is looked up in it. `<<` is a literal `<`. Values are
 * percent-escaped, so that one template never gives one name for two lists of values; but a value
 * and its text are the same, as an id is a string in a URL and a number in a database.
 *
 * @throws {LockOptionsError} if the template is malformed or names what the method does not have.
 *
 * @example
 * const keyOf = compileKeyTemplate('invoice:<id>', InvoiceService.prototype.issue, where);
 * keyOf(invoiceService, [{ id: 42 }]); // 'invoice:42'
 */
export function compileKeyTemplate(
  template: string,
  method: Function,
  where: MethodLocation,
): KeyOf {
  const owner = `${where.className}.${where.methodName}`;
  const subject = `the key template ${shown(template)}`;
  const refuse: Refuse = (problem) => {
    throw new LockOptionsError(`${owner}: ${subject} ${problem}`);
  };
  const pieces = parseTemplate(template, refuse);
  checkSeparators(pieces, refuse);
  const signature = pieces.some(isPlaceholder) ? readSignature(method) : null;
  const parts = pieces.map((piece, index) => {
    if (!isPlaceholder(piece)) return piece;
    const source = locate(piece, signature, refuse);
    if (source.lookedIn && PRIMITIVES.has(where.parameterTypes?.[0]))
      refuse(noSuchName(piece, signature));
    return compilePart(source, pieces[index + 1], `${owner}: ${piece.text} of ${subject}`);
  });
  return (instance, args) => {
    let name = '';
    for (const part of parts) name += typeof part === 'string' ? part : part(instance, args);
    return name;
  };
}

/** As it is written; what is no template any more is shortened. */
function shown(template: string): string {
  return template.length > LONGEST_SHOWN ? describeValue(template) : JSON.stringify(template);
}

type Refuse = (problem: string) => never;

interface Placeholder {
  /** As it is written: `<invoice.id>`. */
  readonly text: string;
  readonly root: string;
  readonly path: readonly string[];
}

type Piece = string | Placeholder;

const isPlaceholder = (piece: Piece | undefined): piece is Placeholder => typeof piece === 'object';

function parseTemplate(template: string, refuse: Refuse): Piece[] {
  if (template === '') refuse(`is empty. Write a name, such as 'invoices' or 'invoice:<id>'.`);
  if (template.length > LONGEST) {
    refuse(`has ${template.length} characters, and a name at most ${LONGEST} bytes. Shorten it.`);
  }
  if (hasLoneSurrogate(template)) refuse('has half of a surrogate pair. Write whole characters.');
  const pieces: Piece[] = [];
  for (const [token, path] of template.matchAll(/<<|<([^<>]*)>|[^<]+|</g)) {
    if (path !== undefined) pieces.push(parsePlaceholder(token, path, refuse));
    else if (token === '<') refuse('has a "<" that no ">" closes. Write "<<" for a literal "<".');
    else appendLiteral(pieces, token === '<<' ? '<' : token);
  }
  return pieces;
}

function parsePlaceholder(text: string, content: string, refuse: Refuse): Placeholder {
  const [root, ...path] = content.split('.');
  for (const step of [root, ...path]) {
    if (step === '') refuse(`has ${text}, where a name is missing. Write it like <invoice.id>.`);
    if (/[\s#]/.test(step)) {
      refuse(`has ${text}, with a space or a private name. Write it like <invoice.id>.`);
    }
  }
  return { text, root, path };
}

function appendLiteral(pieces: Piece[], literal: string): void {
  const last = pieces.at(-1);
  if (typeof last === 'string') pieces[pieces.length - 1] = last + literal;
  else pieces.push(literal);
}

function checkSeparators(pieces: readonly Piece[], refuse: Refuse): void {
  for (const [index, piece] of pieces.entries()) {
    const [separator, last] = [pieces[index + 1], pieces[index + 2]];
    if (!isPlaceholder(piece)) continue;
    if (isPlaceholder(separator)) {
      refuse(
        `has nothing between ${piece.text} and ${separator.text}: ("1", "23") and ("12", "3") would ` +
          `give one name. Write a separator, such as "${piece.text}:${separator.text}".`,
      );
    }
    // After a value, an escape of its own could not be told from this "%".
    if (isPlaceholder(last) && separator.startsWith('%')) {
      refuse(
        `has a "%" after ${piece.text}, which could be a part of the value. ` +
          `Write another separator, such as "${piece.text}:${last.text}".`,
      );
    }
  }
}

/** Where a value comes from; position `null` is the instance. */
interface Source {
  readonly position: number | null;
  readonly path: readonly string[];
  readonly hasDefault?: boolean;
  /** The single parameter, in which a name that is none is looked up. */
  readonly lookedIn?: boolean;
}

/** What has no properties worth a name: here the name of a minified parameter was meant. */
const PRIMITIVES: ReadonlySet<unknown> = new Set([String, Number, Boolean, BigInt]);

function locate(placeholder: Placeholder, signature: Signature | null, refuse: Refuse): Source {
  const { root, path } = placeholder;
  if (root === 'this') {
    if (path.length === 0) refuse('has <this>, the whole instance. Write it like <this.tenant>.');
    return { position: null, path };
  }
  if (/^(0|[1-9]\d*)$/.test(root)) return locatePosition(placeholder, signature, refuse);
  return locateName(placeholder, signature, refuse);
}

function locatePosition(
  { text, root, path }: Placeholder,
  signature: Signature | null,
  refuse: Refuse,
): Source {
  const position = Number(root);
  if (signature && isPastLast(position, signature)) {
    refuse(
      `has ${text}, past the last parameter. ${listParameters(signature)} ` +
        'Count from <0>, or write <this.name> or a function of the arguments.',
    );
  }
  return { position, path };
}

function isPastLast(position: number, { parameters, namesAreGone }: Signature): boolean {
  return !namesAreGone && position >= parameters.length && !parameters.at(-1)?.isRest;
}

function locateName(placeholder: Placeholder, signature: Signature | null, refuse: Refuse): Source {
  const { text, root, path } = placeholder;
  const bound = signature && findBinding(signature, root);
  if (bound?.path) return { ...bound, path: [...bound.path, ...path] };
  const position = `<${[bound?.position ?? 0, ...path].join('.')}>`;
  const instead = `a position such as ${position}, or a function of the arguments`;
  if (bound) {
    return refuse(`has ${text}, which a rest or a computed key binds. Write ${instead}.`);
  }
  if (!signature || signature.namesAreGone) {
    return refuse(
      `has ${text}, but the method was wrapped or minified and its parameters lost their names. ` +
        `${listParameters(signature)} Write ${instead}, or put this decorator below the others, ` +
        'nearest to the method.',
    );
  }
  if (signature.parameters.length === 1 && path.length === 0) {
    return { position: 0, path: [root], lookedIn: true };
  }
  return refuse(noSuchName(placeholder, signature));
}

function noSuchName({ text, path }: Placeholder, signature: Signature | null): string {
  const instead = `a position such as <${[0, ...path].join('.')}>, or a function of the arguments`;
  const choice = signature?.parameters.length ? `one of them, ${instead}` : '<this.name>';
  return `has ${text}, which is no parameter. ${listParameters(signature)} Write ${choice}.`;
}

function listParameters(signature: Signature | null): string {
  if (!signature) return 'Its source cannot be read.';
  const labels = signature.parameters.map(({ label }) => label);
  return labels.length === 0 ? 'It has no parameters.' : `Its parameters: ${labels.join(', ')}.`;
}

function compilePart(source: Source, following: Piece | undefined, subject: string): KeyOf {
  const hint = source.hasDefault ? ' A default is only known inside the method.' : '';
  const refuse: RefuseValue = (problem, cause) => {
    throw new LockKeyError(`${subject} ${problem}${hint}`, cause === undefined ? {} : { cause });
  };
  const escape = escaperBefore(following);
  return (instance, args) => {
    const root = source.position === null ? instance : args[source.position];
    return escape(textInName(readPath(root, source.path, refuse), refuse));
  };
}

function readPath(root: unknown, path: readonly string[], refuse: RefuseValue): unknown {
  let value = root;
  try {
    for (const step of path) {
      if (!hasProperties(value)) return undefined;
      value = value[step];
    }
  } catch (cause) {
    refuse(
      'cannot be read: a getter threw. Make the getter safe, or name another property.',
      cause,
    );
  }
  return value;
}

function hasProperties(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/**
 * But for its escapes, a value never contains the character that ends it: read from the left, a name
 * comes apart in one way only. Colons and braces are left to the template, whose text parts names
 * with the ones and marks a hash tag with the others.
 */
function escaperBefore(following: Piece | undefined): (text: string) => string {
  const end = typeof following === 'string' ? following.codePointAt(0)! : 0;
  const special = new RegExp(`[%:{}\\0-\\x1f\\u{${end.toString(16)}}]`, 'gu');
  return (text) => text.replace(special, percentEncode);
}

/**
 * Escapes a value as a template does at its end: `<id>` in `invoice:<id>`.
 *
 * @example
 * escapeAtEnd('a:b'); // 'a%3Ab'
 */
export const escapeAtEnd = escaperBefore(undefined);

function percentEncode(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&');
}
