import { describe, expect, it } from '@jest/globals';
import { isAxiosError } from 'axios';
import { type Lock, LockLostError, LockOptionsError } from 'nestjs-locker';
import { useFencingTokens } from 'nestjs-locker/fencing';
import { firstValueFrom } from 'rxjs';
import { errorOf, watch } from '../support/lock-service.js';
import { until } from '../support/until.js';
import { startFencedClient as start } from './fixtures/fenced-client.js';

const tokenOf = (lock: Lock): string => String(lock.fencingToken);

describe('an axios request', () => {
  it('has the token of the lock that it is made under', async () => {
    const { locks, peer, axios, http, ledger } = await start();
    const token = await locks.withLock('invoice:42', async (lock) => {
      await axios.get('/');
      await firstValueFrom(http.get('/'));
      return tokenOf(lock);
    });
    expect(peer.tokens).toEqual([token, token]);
    expect(await ledger.book(7)).toBe('done');
    expect(peer.received[2]).toMatchObject({ method: 'PUT', body: '{"id":7}' });
    expect(Number(peer.tokens[2])).toBeGreaterThan(0);
  });

  it.each(['at once', 'behind an interceptor that waits'])(
    'has that of its own lock among many at a time: %s',
    async (how) => {
      const { locks, peer, axios, http } = await start();
      const isLate = how !== 'at once';
      const wait = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      if (isLate) {
        axios.interceptors.request.use(async (config) => {
          await wait();
          return config;
        });
      }
      const tokens = new Map<string, string>();
      const call = (name: string) =>
        locks.withLock(name, async (lock) => {
          tokens.set(`/${name}/axios`, tokenOf(lock)).set(`/${name}/http`, tokenOf(lock));
          await Promise.all([
            axios.get(`/${name}/axios`),
            firstValueFrom(http.get(`/${name}/http`)),
          ]);
        });
      const names = Array.from({ length: 20 }, (_, i) => `name-${i}`);
      await Promise.all([...names.map(call), axios.get('/outside')]);
      const sent = peer.received.map(({ path, headers }) => [path, headers['fencing-token']]);
      tokens.set('/outside', undefined as never);
      expect(new Map(sent as [string, string][])).toEqual(tokens);
      expect(new Set(tokens.values()).size).toBe(21);
    },
  );

  it('of an Observable has that of the lock under which it is subscribed to', async () => {
    const { locks, peer, http } = await start();
    const outside = http.get('/');
    const { inside, token } = await locks.withLock('invoice:42', async (lock) => {
      await firstValueFrom(outside);
      return { inside: http.get('/'), token: tokenOf(lock) };
    });
    await firstValueFrom(inside);
    expect(peer.tokens).toEqual([token, undefined]);
  });

  it('is left alone outside of a lock, with the header, and where it is not wanted', async () => {
    const { locks, peer, axios } = await start({ only: ({ method }) => method !== 'get' });
    await axios.put('/');
    await locks.withLock('invoice:42', async () => {
      await axios.get('/');
      await axios.put('/', {}, { headers: { 'fencing-token': '7' } });
      await axios.put('/', {}, { headers: { 'Fencing-Token': false } });
    });
    const lock = await locks.acquire('invoice:42');
    await axios.put('/');
    await lock.release();
    expect(peer.tokens).toEqual([undefined, undefined, '7', undefined, undefined]);
  });

  it('is not sent where "only" gives nothing', async () => {
    const { locks, peer, axios } = await start({
      only: (() => undefined) as unknown as () => boolean,
    });
    await locks.withLock('invoice:42', () => axios.get('/'));
    expect(peer.tokens).toEqual([undefined]);
  });

  it('has that of the innermost lock, or of the one that is named', async () => {
    const { locks, peer, axios } = await start({
      name: ({ url }) => (url === '/' ? undefined : url?.slice(1)),
    });
    const [outer, inner] = await locks.withLock('outer', (first) =>
      locks.withLock('inner', async (second) => {
        for (const path of ['/', '/inner', '/outer', '/neither']) await axios.get(path);
        return [tokenOf(first), tokenOf(second)];
      }),
    );
    expect(peer.tokens).toEqual([inner, inner, outer, undefined]);
  });

  it('has the token of the lock, not that of a permit or a shared lock', async () => {
    const { locks, peer, axios } = await start();
    const token = await locks.withLock('invoice:42', (lock) =>
      locks.semaphore('authority', 4).withPermit(async () => {
        await axios.get('/');
        await locks.withLock('prices', () => axios.get('/'), { mode: 'shared' });
        return tokenOf(lock);
      }),
    );
    await locks.semaphore('authority', 4).withPermit(() => axios.get('/'));
    await locks.withLock('prices', () => axios.get('/'), { mode: 'shared' });
    expect(peer.tokens).toEqual([token, token, undefined, undefined]);
  });

  it('has the token of the name that is meant, of several', async () => {
    const { locks, peer, axios } = await start({ name: ({ url }) => url?.slice(1) });
    const token = await locks.withLock(['a', 'b'], async ({ fencingTokens }) => {
      await axios.get('/b');
      return String(fencingTokens.get('b'));
    });
    expect(peer.tokens).toEqual([token]);
  });

  it('is refused if nobody tells which of several names is meant', async () => {
    const { locks, peer, axios } = await start();
    await locks.withLock(['a', 'b'], async () => {
      expect(await errorOf(axios.get('/'))).toEqual(
        new LockOptionsError(
          'The request is made under the lock of "a, b", which has a fencing token for each name: tell which is ' +
            'meant, as useFencingTokens(axios, locks, { name: (config) => … }), or set the header Fencing-Token.',
        ),
      );
      await axios.get('/', { headers: { 'Fencing-Token': '7' } });
    });
    expect(peer.tokens).toEqual(['7']);
  });

  it('is as before once that is undone', async () => {
    const { locks, peer, axios, app, LedgerModule } = await start();
    app.get(LedgerModule).remove();
    peer.answerProblem(412, { code: 'LOCK_STALE_FENCING_TOKEN' });
    const headers = { 'Fencing-Token': '7' };
    await locks.withLock('invoice:42', async () => {
      expect(isAxiosError(await errorOf(axios.get('/')))).toBe(true);
      expect(isAxiosError(await errorOf(axios.get('/', { headers })))).toBe(true);
    });
    expect(peer.tokens).toEqual([undefined, '7']);
  });
});

describe('an axios request of a lock that is lost', () => {
  it('is not sent', async () => {
    const { locks, peer, axios, store } = await start();
    const held = locks.withLock('invoice:42', async (lock) => {
      await store.forceLose('invoice:42');
      expect(await errorOf(axios.get('/'))).toBe(lock.signal.reason);
      await axios.get('/', { headers: { 'Fencing-Token': '7' } });
    });
    await expect(held).rejects.toThrow(LockLostError);
    expect(peer.tokens).toEqual(['7']);
  });

  it.each(['axios', 'HttpService'])('ends: %s', async (client) => {
    const { locks, peer, axios, http, store } = await start();
    peer.answer = () => undefined;
    const held = locks.withLock('invoice:42', async () => {
      const { signal } = new AbortController(); // its own is heard, too
      const sent = client === 'axios' ? axios.get('/', { signal }) : firstValueFrom(http.get('/'));
      const call = watch<unknown>(sent);
      await until(() => peer.received.length === 1, { what: 'it has arrived' });
      await store.forceLose('invoice:42');
      await until(() => call.settled, { what: 'it ends' });
      throw call.error;
    });
    const error = (await errorOf(held)) as LockLostError;
    expect(error).toBeInstanceOf(LockLostError);
    expect(error).toMatchObject({ lockName: 'invoice:42', reason: 'taken-over' });
    await until(() => peer.received[0]!.aborted, { what: 'the connection is closed' });
  });

  it('ends so that the call gives what compensates for the loss', async () => {
    const { locks, peer, axios, store } = await start();
    peer.answer = () => void store.forceLose('invoice:42');
    const call = locks.withLock('invoice:42', async () => (await axios.get<string>('/')).data, {
      compensate: () => 'rolled back',
    });
    expect(await call).toBe('rolled back');
  });

  it("ends for the caller's own reason as axios has it", async () => {
    const { locks, peer, axios } = await start();
    const controller = new AbortController();
    peer.answer = () => controller.abort();
    const error = await locks.withLock('invoice:42', () =>
      errorOf(axios.get('/', { signal: controller.signal })),
    );
    expect(error).toMatchObject({ name: 'CanceledError', code: 'ERR_CANCELED' });
  });
});

describe('useFencingTokens', () => {
  it.each([
    [{ lock: 'a' }, 'useFencingTokens: there is no option "lock". The options are only, name.'],
    [
      { name: 'invoice:42' },
      `useFencingTokens: "name" is "invoice:42"; write a function of the request's config.`,
    ],
  ])('refuses the options %p', async (options, message) => {
    const { axios, locks } = await start();
    expect(() => useFencingTokens(axios, locks, options as never)).toThrow(
      new LockOptionsError(message),
    );
  });

  it('refuses what is no axios instance, or no LockService', async () => {
    const { axios, http, locks } = await start();
    expect(() => useFencingTokens(http as never, locks)).toThrow(
      'useFencingTokens: [HttpService] is no axios instance; pass httpService.axiosRef, or what axios.create() gives.',
    );
    expect(() => useFencingTokens(axios, undefined as never)).toThrow(
      new LockOptionsError('useFencingTokens: undefined is no LockService; inject one.'),
    );
  });
});
