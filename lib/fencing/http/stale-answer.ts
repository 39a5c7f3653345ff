import { StaleFencingTokenError } from '../../lock.errors.js';
import { rejection } from '../rejection.js';

const STALE: StaleFencingTokenError['code'] = 'LOCK_STALE_FENCING_TOKEN';

/** Whether the body of an answer is worth a look: a 412 has other causes too, such as If-Match. */
export function mayTellStaleToken(status: number, contentType: unknown): boolean {
  return status === 412 && /^application\/(?:problem\+)?json *(?:;|$)/i.test(String(contentType));
}

/** The refusal of a token that the body of such an answer tells, if it does. */
export function staleTokenOf(
  body: unknown,
  resource: string,
  token: number,
  options?: ErrorOptions,
): StaleFencingTokenError | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { code, fencingToken = token, newestToken } = body as Record<string, unknown>;
  // Of another token, it is the server's own write to somewhere else that was refused.
  if (code !== STALE || fencingToken !== token) return undefined;
  const newest = Number.isSafeInteger(newestToken) ? (newestToken as number) : null;
  return rejection('http', new StaleFencingTokenError(resource, token, newest, options));
}

/** What a text is as JSON; `undefined` if it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is written to, for messages: no credentials, and no query, which may be a signature. */
export function resourceOf(url: string): string {
  if (!URL.canParse(url)) return url.replace(/[?#].*$/s, '');
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
