import { describeValue } from '../core/describe-value.js';

/** A result as it is stored, or why it cannot be. */
export interface ResultText {
  readonly text?: string | undefined;
  readonly problem?: string;
}

/**
 * The JSON of a result, of at most so many bytes.
 *
 * @example
 * resultTextOf({ receipt: 7 }, 65_536); // { text: '{"receipt":7}' }
 */
export function resultTextOf(result: unknown, maxBytes: number): ResultText {
  if (result === undefined) return {};
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch (error) {
    const reason = error instanceof Error ? error.message : describeValue(error);
    return { problem: `it has no JSON (${reason})` };
  }
  if (text === undefined) return { problem: 'it has no JSON' };
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return { text };
  return { problem: `it has ${bytes} bytes as JSON, more than ${maxBytes}` };
}
