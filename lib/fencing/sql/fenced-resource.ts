import { describeValue } from '../../core/describe-value.js';
import { hasLoneSurrogate } from '../../core/lock-name.js';
import { LockKeyError } from '../../lock.errors.js';
import type { SqlDialect } from './sql-statement.js';

/** What the guard table's column holds, and an index entry of either database. */
const MAX_BYTES = 1024;

/**
 * Gives a resource's name back exactly as it is, once it is sure that the guard table can tell it from
 * others.
 *
 * @throws LockKeyError if it is no string, empty, not well-formed Unicode, too long, or has a NUL on PostgreSQL
 */
export function checkResource(resource: unknown, dialect: SqlDialect): string {
  if (typeof resource !== 'string') {
    throw refusal('resource', resource, `is no string. Write a name such as 'invoice:42'.`);
  }
  if (resource === '') {
    throw refusal('resource', resource, `is empty. Write a name such as 'invoice:42'.`);
  }
  checkText('resource', resource, dialect);
  const bytes = Buffer.byteLength(resource);
  if (bytes <= MAX_BYTES) return resource;
  throw refusal(
    'resource',
    resource,
    `has ${bytes} bytes of UTF-8, more than the ${MAX_BYTES} allowed. Use an id instead of the content, or a ` +
      'hash of it.',
  );
}

/**
 * Gives the key of a row back, as it goes into a statement.
 *
 * @throws LockKeyError if it is none, or would mean another row than it says
 */
export function checkRowKey(key: unknown, dialect: SqlDialect): string | number | bigint {
  if (typeof key === 'bigint') return key;
  if (typeof key === 'number') {
    if (Number.isSafeInteger(key)) return key;
    throw refusal('key', key, 'is no whole number that a double holds exactly. Pass it as a text.');
  }
  if (typeof key !== 'string' || key === '') {
    throw refusal('key', key, 'is no key of a row. Pass the value of its key column.');
  }
  checkText('key', key, dialect);
  return key;
}

function checkText(what: string, text: string, dialect: SqlDialect): void {
  if (hasLoneSurrogate(text)) {
    throw refusal(
      what,
      text,
      'has half of a surrogate pair, which UTF-8 cannot carry: what differs in it would be one. Cut texts ' +
        'between characters (Array.from(text)), or call toWellFormed() on it.',
    );
  }
  if (dialect === 'postgres' && text.includes('\0')) {
    throw refusal(
      what,
      text,
      'has a NUL, which PostgreSQL has no place for. Leave it out, or escape it.',
    );
  }
}

function refusal(what: string, value: unknown, problem: string): LockKeyError {
  return new LockKeyError(`The ${what} ${describeValue(value)} ${problem}`);
}
