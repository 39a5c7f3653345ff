import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import { type FencedBy, fencingTokenOf } from '../fencing-token.js';
import { FENCING_TOKEN_HEADER } from './fencing-token.header.js';
import { mayTellStaleToken, parseJson, resourceOf, staleTokenOf } from './stale-answer.js';

/**
 * The platform's `fetch` with the `Fencing-Token` header: the server refuses the request if it has seen
 * a newer one.
 *
 * Given a lock, it ends when that is lost. That does not take back what was sent: only the server's
 * check keeps a late write out. Given a token alone, pass `signal: lock.signal` for that.
 *
 * @param by the lock, which must be held; of one with several names the token of the one that is meant
 * @param input as `fetch` has it: a text, a URL or a Request
 * @param init as `fetch` has it; its signal ends the request, too
 * @returns every answer but the refusal of the token; any other 412, as of If-Match, with its body unread
 * @throws StaleFencingTokenError if the server refuses the token: a 412 whose JSON has that error's `code`
 * @throws LockLostError if the lock is lost, before or meanwhile; LockReleasedError if it is released
 * @throws LockOptionsError if the request has the header already, with another value
 * @throws as `fetch` does
 * @example
 * await locks.withLock('invoice:42', async (lock) => {
 *   await fencedFetch(lock, 'https://ledger.example/invoices/42', { method: 'PUT', body });
 * });
 */
export async function fencedFetch(
  by: FencedBy,
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const resource = resourceOf(input instanceof Request ? input.url : String(input));
  const token = fencingTokenOf(by, resource);
  // Headers and signals have many shapes; this is how fetch itself reads them.
  const request = new Request(input, init);
  setToken(request.headers, token, resource);
  const response = await (typeof by === 'number'
    ? fetch(request)
    : fetch(request, { signal: AbortSignal.any([request.signal, by.signal]) }));

  if (!mayTellStaleToken(response.status, response.headers.get('content-type'))) return response;
  const stale = staleTokenOf(parseJson(await response.clone().text()), resource, token);
  if (stale) throw stale;
  return response;
}

function setToken(headers: Headers, token: number, resource: string): void {
  const given = headers.get(FENCING_TOKEN_HEADER);
  if (given !== null && given !== String(token)) {
    throw new LockOptionsError(
      `The request to ${describeValue(resource)} has the header ${FENCING_TOKEN_HEADER}: ${describeValue(given)}, ` +
        `and is fenced by ${token}: leave the header out.`,
    );
  }
  headers.set(FENCING_TOKEN_HEADER, String(token));
}
