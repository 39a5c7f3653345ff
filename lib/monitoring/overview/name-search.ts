import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';

const LONGEST_SEARCH = 1_000;

const ANY = Symbol('any text');
const ONE = Symbol('any character');

type Part = string | typeof ANY | typeof ONE;

/**
 * Reads a search: a part of the name, or all of it with `*` and `?`, which a backslash takes literally.
 *
 * Not as a regular expression, which a pattern of many stars keeps busy for minutes.
 *
 * @throws LockOptionsError if it is no text, or too long
 */
export function searchOf(text: unknown): (name: string) => boolean {
  if (typeof text !== 'string' || text.length > LONGEST_SEARCH) {
    throw new LockOptionsError(
      `held(): "search" is ${describeValue(text)}; write a part of the name, or a pattern with * and ?, of up to ${LONGEST_SEARCH} characters.`,
    );
  }
  const parts = partsOf(text);
  if (parts.some((part) => typeof part === 'symbol')) {
    return (name) => matches(Array.from(name), parts);
  }
  const literal = parts.join('');
  return (name) => name.includes(literal);
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  const characters = Array.from(text);
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    const next = characters[i + 1];
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      parts.push(next);
      i++;
    } else {
      parts.push(character === '*' ? ANY : character === '?' ? ONE : character);
    }
  }
  return parts;
}

/** Goes back to the last star only: what an earlier one stands for need never be longer. */
function matches(name: readonly string[], parts: readonly Part[]): boolean {
  let part = 0;
  let star = -1;
  let starAt = 0;
  for (let i = 0; i < name.length;) {
    if (parts[part] === ANY) {
      star = part++;
      starAt = i;
    } else if (part < parts.length && (parts[part] === ONE || parts[part] === name[i])) {
      part++;
      i++;
    } else if (star >= 0) {
      part = star + 1;
      i = ++starAt;
    } else {
      return false;
    }
  }
  while (parts[part] === ANY) part++;
  return part === parts.length;
}
