import { parseFencingToken } from '../fencing-token.js';

const NAME = 'Fencing-Token: ';
const LONGEST = NAME.length + 17;

/** An object's bytes: a first line with the token, then the body. */
export function withTokenLine(token: number, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${NAME}${token}\n`), body]);
}

/**
 * Takes an object's bytes apart; those that do not begin with the line's name are a body alone.
 *
 * @returns `undefined` if they do, and no token follows
 */
export function splitTokenLine(
  bytes: Uint8Array,
): { fencingToken: number | null; body: Buffer } | undefined {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = body.toString('latin1', 0, LONGEST);
  if (!start.startsWith(NAME)) return { fencingToken: null, body };
  const end = start.indexOf('\n');
  const fencingToken = end < 0 ? undefined : parseFencingToken(start.slice(NAME.length, end));
  return fencingToken === undefined ? undefined : { fencingToken, body: body.subarray(end + 1) };
}
