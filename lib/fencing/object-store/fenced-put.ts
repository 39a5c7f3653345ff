import { setTimeout as sleep } from 'node:timers/promises';
import { isUint8Array } from 'node:util/types';
import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError, LockStoreError, StaleFencingTokenError } from '../../lock.errors.js';
import { type FencedBy, fencingTokenOf } from '../fencing-token.js';
import type { ObjectStore } from './object-store.js';
import { splitTokenLine, withTokenLine } from './token-line.js';
import { rejection } from '../rejection.js';

type Content = Uint8Array | string;

/**
 * What is to be stored: bytes, a text, or a function that makes them of what is there.
 *
 * @example
 * const body: FencedBody = (present) => `${present?.toString() ?? ''}one more line\n`;
 */
export type FencedBody = Content | ((present: Buffer | null) => Content | Promise<Content>);

/**
 * An object without its first line.
 *
 * @example
 * const { body, fencingToken }: FencedObject = (await fencedGet(store, 'report.csv'))!;
 */
export interface FencedObject {
  readonly body: Buffer;
  /** That of its last write; `null` if that was not fenced. */
  readonly fencingToken: number | null;
}

const ROUNDS = 8;
const PAUSE_MS = 20;

/**
 * Writes an object, unless a newer fencing token has written it: reads it, compares the tokens, and writes
 * with `If-Match` (`If-None-Match: *` where there is none). If somebody else has written meanwhile, the
 * store refuses, and it looks again.
 *
 * The token is the first line of the object, `Fencing-Token: 42`, and not metadata, because the ETag must tell
 * two tokens apart. Those of S3, R2 and MinIO are a hash of the bytes alone: where a newer holder writes
 * what was there before, with its token as metadata, the ETag stays the same, and the `If-Match` of an older
 * holder that stood still still holds. With the token in the bytes, no store can give the same ETag to two.
 * Nor would a second object for the token do: an older holder may stand still between the two.
 *
 * What is written by any other way has no token, and forgets the newest; so does a DELETE: write an empty
 * body instead. The object is read whole with each write. Let a large one, or one that must not have such a
 * line, be written under a name of its own, and fence a small one that points to it.
 *
 * A function as the body is called again if the store refuses, and may then get **its own earlier result**: a
 * put can be applied though its answer is lost, and SDKs repeat it by themselves. Let it recognise that.
 *
 * @param body made anew of what is there, if it is a function: for what depends on the present content
 * @param by the lock under which it is written, or its token
 * @throws StaleFencingTokenError if a newer token has written it, whose write stays
 * @throws LockLostError, LockReleasedError if it is fenced by a lock that is not held
 * @throws LockStoreError if its condition failed 8 times, because others kept writing
 * @throws LockOptionsError if the key, the body or what the store answers is unusable, as a weak ETag or a
 *   damaged first line is
 * @throws the store's own error as it is; it may have written all the same. To repeat it with the same token
 *   does no harm to a body of bytes or text, nor to a function that recognises its own result
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1
 * @example
 * await locks.withLock('report:2026', (lock) => fencedPut(store, 'report-2026.csv', csv, lock));
 * @example
 * const append = (present: Buffer | null): string => {
 *   const text = present?.toString() ?? '';
 *   return text.split('\n').includes(line) ? text : `${text}${line}\n`; // each line has an id of its own
 * };
 * await locks.withLock('audit', (lock) => fencedPut(store, 'audit.log', append, lock));
 */
export async function fencedPut(
  store: ObjectStore,
  key: string,
  body: FencedBody,
  by: FencedBy,
): Promise<void> {
  const token = fencingTokenOf(by, key);
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) await sleep(Math.random() * round * PAUSE_MS);
    const present = await look(store, key);
    const newest = present?.fencingToken ?? 0;
    if (newest > token)
      throw rejection('object-store', new StaleFencingTokenError(key, token, newest));
    const content = typeof body === 'function' ? await body(present?.body ?? null) : body;
    const isWritten: unknown = await store.put(
      key,
      withTokenLine(token, bytesOf(content, key)),
      present ? { ifMatch: present.etag } : { ifNoneMatch: '*' },
    );
    if (isWritten === true) return;
    if (isWritten !== false) {
      throw new LockOptionsError(
        `The object store's put of ${describeValue(key)} answers ${describeValue(isWritten)}; answer true, or ` +
          'false if the condition failed.',
      );
    }
  }
  throw new LockStoreError(
    `The object ${describeValue(key)} is not written: its condition failed ${ROUNDS} times in a row. Others ` +
      'keep writing to it, or the store takes no If-Match with the ETag that it gives.',
  );
}

/**
 * Reads an object that `fencedPut` has written; one without a token comes as it is, and `null` if there is none.
 *
 * @throws LockOptionsError if its first line should have a token and has none, or if the answer is unusable
 * @throws the store's own error as it is
 * @example
 * const report = await fencedGet(store, 'report-2026.csv');
 * report?.body.toString();
 */
export async function fencedGet(store: ObjectStore, key: string): Promise<FencedObject | null> {
  const present = await look(store, key);
  return present && { body: present.body, fencingToken: present.fencingToken };
}

async function look(
  store: ObjectStore,
  key: string,
): Promise<(FencedObject & { etag: string }) | null> {
  if (typeof key !== 'string' || key === '') {
    throw new LockOptionsError(
      `The key of a fenced object is ${describeValue(key)}; pass a text that is not empty.`,
    );
  }
  const stored = await store.get(key);
  if (!stored) return null;
  const { etag } = stored;
  // Without one, the put would have no condition; a weak one never matches.
  if (typeof etag !== 'string' || etag === '' || etag.startsWith('W/')) {
    throw new LockOptionsError(
      `The object store answers with the ETag ${describeValue(etag)} for ${describeValue(key)}; it must be a ` +
        'strong one, such as "33a64df5". A proxy that compresses makes it weak.',
    );
  }
  if (!isUint8Array(stored.body)) {
    throw new LockOptionsError(
      `The object store answers with the body ${describeValue(stored.body)} for ${describeValue(key)}; it must be ` +
        'bytes as they are stored: a Uint8Array or Buffer, such as new Uint8Array(await response.arrayBuffer()).',
    );
  }
  const parts = splitTokenLine(stored.body);
  if (parts) return { ...parts, etag };
  // No LockStoreError: that one asks callers to try again, and this does not heal.
  throw new LockOptionsError(
    `The object ${describeValue(key)} begins with "Fencing-Token: ", and no token follows: something else ` +
      'than fencedPut has changed it. Mend its first line, or delete it; the next token then counts as the newest.',
  );
}

function bytesOf(content: unknown, key: string): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content);
  if (isUint8Array(content)) return content;
  throw new LockOptionsError(
    `The body of ${describeValue(key)} is ${describeValue(content)}; pass bytes or a text, and anything else as ` +
      'JSON.stringify(value).',
  );
}
