import { types } from 'node:util';

import { describeValue } from './core/describe-value.js';

/**
 * Ends the making of a name: throws an error with the problem, and the cause if there is one.
 *
 * @example
 * const refuse: RefuseValue = (problem, cause) => { throw new LockKeyError(problem, { cause }); };
 */
export type RefuseValue = (problem: string, cause?: unknown) => never;

/**
 * Gives the text that a value has within a lock's name: of a primitive or Date, or from a `toString`
 * that the value's class has of its own (ObjectId, Uuid).
 *
 * A number and its decimal text are the same: an id is a string in a URL and a number in a database.
 * Throws what `refuse` throws, for everything that is missing, empty or has no text of its own.
 *
 * @example
 * textInName(42, refuse); // '42'
 * textInName({}, refuse); // refuse('is {}, which has no text of its own. …')
 */
export function textInName(value: unknown, refuse: RefuseValue): string {
  switch (typeof value) {
    case 'string':
      return value === '' ? refuseMissing(value, refuse) : value;
    case 'number':
      return Number.isFinite(value) ? String(value) : refuseMissing(value, refuse);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'undefined':
      return refuseMissing(value, refuse);
    case 'object':
      return value === null ? refuseMissing(value, refuse) : textOfObject(value, refuse);
    default:
      return refuseStructure(value, refuse);
  }
}

function textOfObject(value: object, refuse: RefuseValue): string {
  if (types.isDate(value)) {
    return Number.isNaN(value.getTime()) ? refuseMissing(value, refuse) : value.toISOString();
  }
  const text = callToString(value, refuse);
  if (typeof text !== 'string' || isTextOfStructure(text)) return refuseStructure(value, refuse);
  return text === ''
    ? refuse(`is ${describeValue(value)}, whose toString() gives "". ${PASS}`)
    : text;
}

function callToString(value: object, refuse: RefuseValue): unknown {
  if (hasAmbiguousToString(value)) return undefined;
  try {
    const toString: unknown = Reflect.get(value, 'toString');
    return typeof toString === 'function' ? toString.call(value) : undefined;
  } catch (cause) {
    return refuse(`is ${describeValue(value)}, whose toString() throws. ${PASS}`, cause);
  }
}

/** Two lists, two byte sequences or two symbols may well give one text, and `Object(NaN)` no id. */
function hasAmbiguousToString(value: object): boolean {
  return (
    Array.isArray(value) ||
    ArrayBuffer.isView(value) ||
    types.isSymbolObject(value) ||
    types.isNumberObject(value)
  );
}

/** Not by comparing the function: another realm (vm, jest) has an Object.prototype of its own. */
function isTextOfStructure(text: string): boolean {
  return /^\[object .*\]$/s.test(text);
}

const PASS = 'Pass a value that a name can be made from, or make the key with a function.';

function refuseMissing(value: unknown, refuse: RefuseValue): never {
  return refuse(`is ${describeValue(value)}. ${PASS}`);
}

function refuseStructure(value: unknown, refuse: RefuseValue): never {
  return refuse(
    `is ${describeValue(value)}, which has no text of its own. Name a property of it, await it if it ` +
      'is a promise, or make the key with a function.',
  );
}
