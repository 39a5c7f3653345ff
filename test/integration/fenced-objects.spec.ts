import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockOptionsError, LockStoreError, StaleFencingTokenError } from 'nestjs-locker';
import {
  type FencedBody,
  fencedGet,
  fencedPut,
} from '../../lib/fencing/object-store/fenced-put.js';
import type { ObjectStore } from '../../lib/fencing/object-store/object-store.js';
import { fetchObjectStore } from '../support/fetch-object-store.js';
import { errorOf, watch } from '../support/lock-service.js';
import { ObjectServer } from '../support/object-server.js';
import { until } from '../support/until.js';

const KEY = 'report.csv';

describe.each(['hash', 'counter'] as const)(
  'an object in a store whose ETags are a %s',
  (etags) => {
    let server: ObjectServer;
    let store: ObjectStore;
    beforeEach(async () => {
      server = await ObjectServer.start({ etags });
      store = fetchObjectStore(server.url);
    });
    afterEach(() => server.stop());

    const write = (body: FencedBody, token: number) => fencedPut(store, KEY, body, token);

    it('is written with the first token, the same, and a newer one', async () => {
      for (const [body, token] of [
        ['a', 5],
        ['b', 5],
        ['c', 6],
      ] as const) {
        await write(body, token);
        expect(server.textOf(KEY)).toBe(`Fencing-Token: ${token}\n${body}`);
        const read = (await fencedGet(store, KEY))!;
        expect({ ...read, body: read.body.toString() }).toEqual({ body, fencingToken: token });
      }
      expect(server.log.filter((line) => line.startsWith('PUT'))).toEqual(Array(3).fill('PUT 200'));
    });

    it('refuses an older token, and stays as it is', async () => {
      await write('new', 6);
      const etag = server.etagOf(KEY);
      const error = await errorOf(write('old', 5));
      expect(error).toBeInstanceOf(StaleFencingTokenError);
      expect(error).toMatchObject({ resource: KEY, fencingToken: 5, newestToken: 6 });
      expect(server.etagOf(KEY)).toBe(etag);
    });

    it('keeps bytes as they are', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      await write(bytes, 1);
      expect(Uint8Array.from((await fencedGet(store, KEY))!.body)).toEqual(bytes);
    });

    it('may be there without a token, from before: any token is newer', async () => {
      await fetch(`${server.url}/${KEY}`, { method: 'PUT', body: 'before' });
      expect(await fencedGet(store, KEY)).toMatchObject({ fencingToken: null });
      const seen: unknown[] = [];
      await write((present) => (seen.push(String(present)), 'after'), 1);
      expect(seen).toEqual(['before']);
      expect(server.textOf(KEY)).toBe('Fencing-Token: 1\nafter');
    });

    it('may not be there', async () => {
      expect(await fencedGet(store, KEY)).toBeNull();
      await write((present) => String(present), 1);
      expect(server.textOf(KEY)).toBe('Fencing-Token: 1\nnull');
    });

    it.each([
      ['a new object', undefined],
      ['an object', 'first'],
      ['the same bytes', 'new'],
    ])(
      'refuses an older holder that stood still between its look and its write (%s)',
      async (_what, first) => {
        if (first) await write(first, 4);
        const stalled = server.hold('PUT');
        const late = watch(write('old', 5));
        await stalled.arrived;
        await write('new', 6);
        server.log.length = 0;
        stalled.letGo();
        await until(() => late.settled, { what: 'the late write has its answer' });
        // The store refused it; it looked again, and saw why.
        expect(server.log).toEqual(['PUT 412', 'GET 200']);
        expect(late.error).toBeInstanceOf(StaleFencingTokenError);
        expect(late.error).toMatchObject({ fencingToken: 5, newestToken: 6 });
        expect(server.textOf(KEY)).toBe('Fencing-Token: 6\nnew');
      },
    );

    it('is written by the newer of two that looked at the same time, whoever comes first', async () => {
      for (const [first, second] of [
        [5, 6],
        [6, 5],
      ] as const) {
        await fetch(`${server.url}/${KEY}`, { method: 'DELETE' });
        const holds = [server.hold('PUT'), server.hold('PUT')];
        const one = watch(write(`by ${first}`, first));
        await holds[0]!.arrived;
        const two = watch(write(`by ${second}`, second));
        await holds[1]!.arrived;
        holds[0]!.letGo();
        await until(() => one.settled, { what: 'the first is written' });
        expect(one.error).toBeUndefined();
        holds[1]!.letGo();
        await until(() => two.settled, { what: 'the second has its answer' });
        expect(two.error instanceof StaleFencingTokenError).toBe(second === 5);
        expect(server.textOf(KEY)).toBe('Fencing-Token: 6\nby 6');
      }
    });

    it('is made of what is there at the moment of the write', async () => {
      const append =
        (line: string): FencedBody =>
        (present) =>
          `${present?.toString() ?? ''}${line}\n`;
      await write(append('a'), 5);
      const stalled = server.hold('PUT');
      const newer = watch(write(append('c'), 6));
      await stalled.arrived;
      // An older holder may still write: nobody has shown a newer token yet.
      await write(append('b'), 5);
      stalled.letGo();
      await until(() => newer.settled, { what: 'it is written' });
      expect(server.textOf(KEY)).toBe('Fencing-Token: 6\na\nb\nc\n');
    });

    it.each([412, 404])('is written if it was deleted meanwhile, told by %p', async (status) => {
      await write('a', 5);
      const stalled = server.hold('PUT');
      const writing = write('b', 6);
      await stalled.arrived;
      await fetch(`${server.url}/${KEY}`, { method: 'DELETE' });
      server.failures.push({ method: 'PUT', status });
      stalled.letGo();
      await writing;
      expect(server.textOf(KEY)).toBe('Fencing-Token: 6\nb');
      expect(server.log).toContain(`PUT ${status}`);
    });

    it('has a key of any characters, and is no other object than that', async () => {
      const keys = ['a', 'a#1', 'a#2', 'a?1', 'a?2', 'a%23', 'a/b', 'a/ü €', 'a+b', 'a b'];
      for (const [i, key] of keys.entries()) await fencedPut(store, key, `body ${i}`, 1);
      for (const [i, key] of keys.entries()) {
        expect((await fencedGet(store, key))?.body.toString()).toBe(`body ${i}`);
        expect(server.textOf(key)).toBe(`Fencing-Token: 1\nbody ${i}`);
      }
    });

    it('forgets the newest token with a DELETE, and not with an empty body', async () => {
      await write('', 6);
      await expect(write('old', 5)).rejects.toThrow(StaleFencingTokenError);
      await fetch(`${server.url}/${KEY}`, { method: 'DELETE' });
      await write('old', 5);
      expect(server.textOf(KEY)).toBe('Fencing-Token: 5\nold');
    });

    it('is tried again after 409, by which S3 tells of another write under way', async () => {
      server.failures.push({ method: 'PUT', status: 409 });
      await write('a', 1);
      expect(server.log).toEqual(['GET 404', 'PUT 409', 'GET 404', 'PUT 200']);
    });

    it('is given up when its condition fails again and again', async () => {
      server.failures.push(...Array.from({ length: 20 }, () => ({ method: 'PUT', status: 412 })));
      const error = await errorOf(write('a', 1));
      expect(error).toBeInstanceOf(LockStoreError);
      expect((error as Error).message).toContain(
        '"report.csv" is not written: its condition failed 8',
      );
      expect(server.log.filter((line) => line === 'PUT 412')).toHaveLength(8);
    });

    it('is refused to everybody when its line is damaged', async () => {
      await fetch(`${server.url}/${KEY}`, { method: 'PUT', body: 'Fencing-Token: 6\r\nnew' });
      // No LockStoreError, which asks callers to try again: this does not heal.
      await expect(write('old', 5)).rejects.toThrow(LockOptionsError);
      await expect(fencedGet(store, KEY)).rejects.toThrow(/begins with "Fencing-Token: "/);
    });

    it.each(['GET', 'PUT'])('passes on what the store fails with (%s)', async (method) => {
      server.failures.push({ method, status: 500 });
      await expect(write('a', 1)).rejects.toThrow(new Error(`${method} ${KEY}: 500`));
      expect(server.log.filter((line) => line.startsWith('PUT'))).toHaveLength(
        method === 'PUT' ? 1 : 0,
      );
    });

    it('may be written though no answer came; to write it again does no harm', async () => {
      server.unansweredPuts = 1;
      const error = await errorOf(write('a', 5));
      expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
      await write('a', 5);
      expect(server.textOf(KEY)).toBe('Fencing-Token: 5\na');
    });

    describe('after a put that was applied, and repeated by the client as its answer was lost', () => {
      /** The text of the object, and what a function was called with. */
      async function repeatedPut(body: FencedBody) {
        const repeating: ObjectStore = {
          ...store,
          put: (...args) => store.put(...args).catch(() => store.put(...args)),
        };
        await write('first\n', 4);
        server.unansweredPuts = 1;
        const seen: string[] = [];
        const recording: FencedBody =
          typeof body === 'function'
            ? (present) => (seen.push(String(present)), body(present))
            : body;
        await fencedPut(repeating, KEY, recording, 5);
        expect(server.log.slice(2)).toEqual([
          'GET 200',
          'PUT 200',
          'PUT 412',
          'GET 200',
          'PUT 200',
        ]);
        return { text: server.textOf(KEY)!.replace('Fencing-Token: 5\n', ''), seen };
      }

      it('is written once more', async () => {
        expect(await repeatedPut('a')).toMatchObject({ text: 'a' });
      });

      it('is given to a function that made it: what appends blindly appends twice', async () => {
        const { text, seen } = await repeatedPut((present) => `${present!.toString()}line\n`);
        expect(seen).toEqual(['first\n', 'first\nline\n']);
        expect(text).toBe('first\nline\nline\n');
      });

      it('stays as it is where the function recognises its own result', async () => {
        const { text } = await repeatedPut((present) => {
          const there = present?.toString() ?? '';
          return there.split('\n').includes('line') ? there : `${there}line\n`;
        });
        expect(text).toBe('first\nline\n');
      });
    });
  },
);

describe('without the token among the bytes', () => {
  let server: ObjectServer;
  afterEach(() => server.stop());

  const META = 'x-amz-meta-fencing-token';
  const urlOf = () => `${server.url}/${KEY}`;

  /** What first comes to mind: the token as metadata, and If-Match. */
  async function putWithMetadata(body: string, token: number): Promise<number> {
    const { headers } = await fetch(urlOf(), { method: 'HEAD' });
    if (Number(headers.get(META)) > token) return 412;
    const condition = { 'If-Match': headers.get('etag')!, [META]: String(token) };
    const response = await fetch(urlOf(), { method: 'PUT', body, headers: condition });
    return response.status;
  }

  /** An older holder stands still before its PUT; a newer one writes what was there before. */
  async function sameBytes(etags: 'hash' | 'counter'): Promise<number | undefined> {
    server = await ObjectServer.start({ etags });
    await fetch(urlOf(), { method: 'PUT', body: 'as it was', headers: { [META]: '4' } });
    const stalled = server.hold('PUT');
    const late = watch(putWithMetadata('old', 5));
    await stalled.arrived;
    expect(await putWithMetadata('as it was', 6)).toBe(200);
    stalled.letGo();
    await until(() => late.settled, { what: 'the late write has its answer' });
    return late.value;
  }

  it('an ETag of the bytes alone lets the older holder win', async () => {
    expect(await sameBytes('hash')).toBe(200);
    expect(server.textOf(KEY)).toBe('old');
    const { headers } = await fetch(urlOf(), { method: 'HEAD' });
    expect(headers.get(META)).toBe('5');
  });

  it('an ETag that every write changes does not', async () => {
    expect(await sameBytes('counter')).toBe(412);
    expect(server.textOf(KEY)).toBe('as it was');
  });

  it('and without a condition the older holder wins whatever the ETag is', async () => {
    server = await ObjectServer.start({ etags: 'counter' });
    const stalled = server.hold('PUT');
    const late = watch(fetch(urlOf(), { method: 'PUT', body: 'old' }));
    await stalled.arrived;
    await fencedPut(fetchObjectStore(server.url), KEY, 'new', 6);
    stalled.letGo();
    await until(() => late.settled, { what: 'the late write has its answer' });
    expect(server.textOf(KEY)).toBe('old');
  });
});
