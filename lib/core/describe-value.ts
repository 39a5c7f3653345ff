import { inspect } from 'node:util';

const SHOWN_CHARACTERS = 60;

/**
 * Shows any value in a message: texts quoted and shortened, objects by their class alone.
 *
 * @example
 * describeValue('30 parsecs'); // '"30 parsecs"'
 * describeValue({ password: 'x' }); // '[Object]'
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return quoteShortened(value);
  try {
    const shown = inspect(value, { customInspect: false, depth: -1, breakLength: Infinity });
    return shorten(shown.replace(/\n.*/s, '')); // of an Error, not the stack
  } catch {
    return typeof value;
  }
}

function quoteShortened(text: string): string {
  return JSON.stringify(shorten(text));
}

function shorten(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return text;
  // Cut between characters, so that the cut itself shows no half of a surrogate pair.
  const characters = Array.from(text.slice(0, SHOWN_CHARACTERS * 2));
  return `${characters.slice(0, SHOWN_CHARACTERS).join('')}…`;
}
