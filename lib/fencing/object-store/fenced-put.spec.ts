import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../../lock.errors.js';
import { fencedGet, fencedPut } from './fenced-put.js';
import type { ObjectStore, StoredObject } from './object-store.js';

/** One that answers what it is told to, as an adapter with a fault does. */
const storeOf = (stored: unknown, answers: unknown[] = [true]): ObjectStore => ({
  get: async () => stored as StoredObject,
  put: async () => answers[0] as boolean,
});

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LockOptionsError);
  return (error as Error).message;
}

describe('a fenced put', () => {
  it.each(['', undefined, 7])('has no key %p', async (key) => {
    expect(await refusal(fencedPut(storeOf(null), key as string, 'a', 1))).toMatch(
      /fenced object is/,
    );
  });

  it.each([undefined, null, {}, 7, ['a']])('has no body %p', async (body) => {
    expect(await refusal(fencedPut(storeOf(null), 'k', body as string, 1))).toMatch(
      /The body of "k" is .*JSON/,
    );
    const made = () => body as string;
    expect(await refusal(fencedPut(storeOf(null), 'k', made, 1))).toMatch(
      /The body of "k" is .*JSON/,
    );
  });

  it.each([undefined, 0, 1.5, '7'])('is not fenced by %p', async (by) => {
    expect(await refusal(fencedPut(storeOf(null), 'k', 'a', by as number))).toMatch(
      /fencing ?token|fenced by/i,
    );
  });

  it.each([undefined, null, '', 'W/"a"', 7])(
    'is not made with the ETag %p: there would be no condition, or one that never holds',
    async (etag) => {
      const store = storeOf({ etag, body: new Uint8Array() });
      expect(await refusal(fencedPut(store, 'k', 'a', 1))).toMatch(/ETag .* for "k".*strong/);
      expect(await refusal(fencedGet(store, 'k'))).toMatch(/ETag/);
    },
  );

  it.each([undefined, null, 'text', [1], new ArrayBuffer(1), {}])(
    'is not made after an object whose body is %p, no bytes',
    async (body) => {
      const store = storeOf({ etag: '"a"', body });
      expect(await refusal(fencedPut(store, 'k', 'a', 1))).toMatch(
        /body .* for "k"; it must be .*Uint8Array/,
      );
      expect(await refusal(fencedGet(store, 'k'))).toMatch(/Uint8Array/);
    },
  );

  it.each([undefined, null, {}, 'OK', 1])(
    'takes no %p for an answer to whether it was written',
    async (answer) => {
      const put = fencedPut(storeOf(null, [answer]), 'k', 'a', 1);
      expect(await refusal(put)).toMatch(/put of "k" answers .*; answer true, or false/);
    },
  );
});
