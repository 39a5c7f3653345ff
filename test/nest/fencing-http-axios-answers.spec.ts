import { describe, expect, it } from '@jest/globals';
import { isAxiosError } from 'axios';
import { StaleFencingTokenError, useFencingTokens } from 'nestjs-locker/fencing';
import { firstValueFrom } from 'rxjs';
import { errorOf } from '../support/lock-service.js';
import { startFencedClient as start } from './fixtures/fenced-client.js';

describe('the answer to an axios request', () => {
  const STALE = { code: 'LOCK_STALE_FENCING_TOKEN', newestToken: 9 };

  it.each([
    ['as it comes', {}],
    ['as text', { responseType: 'text' }],
    ['as bytes', { responseType: 'arraybuffer' }],
    ['as bytes of the fetch adapter', { responseType: 'arraybuffer', adapter: 'fetch' }],
    ['with a query', { params: { signature: 'secret' } }],
  ] as const)('is an error if the token is stale: %s', async (_how, config) => {
    const { locks, peer, axios } = await start();
    peer.answerProblem(412, STALE);
    await locks.withLock('invoice:42', async ({ fencingToken }) => {
      const error = await errorOf(axios.get('/invoices/42', config));
      expect(error).toBeInstanceOf(StaleFencingTokenError);
      const resource = `${peer.url}/invoices/42`;
      expect(error).toMatchObject({ resource, fencingToken, newestToken: 9 });
      expect(isAxiosError((error as Error).cause)).toBe(true);
    });
  });

  it('is one even if a 412 counts as a success', async () => {
    const { locks, peer, http } = await start();
    peer.answerProblem(412, STALE);
    const error = await locks.withLock('invoice:42', () =>
      errorOf(firstValueFrom(http.get('/', { validateStatus: null }))),
    );
    expect(error).toBeInstanceOf(StaleFencingTokenError);
  });

  it('does not tell the credentials', async () => {
    const { peer, axios } = await start();
    peer.answerProblem(412, STALE);
    const url = peer.url.replace('//', '//user:secret@');
    const error = await errorOf(axios.get(url, { headers: { 'Fencing-Token': '7' } }));
    expect(error).toMatchObject({ resource: `${peer.url}/`, fencingToken: 7 });
  });

  it.each([
    ['another precondition', 412, { code: 'IF_MATCH' }, 'application/json', '7'],
    ['another status', 409, STALE, 'application/problem+json', '7'],
    ['a 412 that is no JSON', 412, JSON.stringify(STALE), 'text/plain', '7'],
    ['to a request without a token', 412, STALE, 'application/problem+json', false],
    [
      "the server's own stale token elsewhere",
      412,
      { ...STALE, fencingToken: 6 },
      'application/json',
      '7',
    ],
  ] as const)('is passed on: %s', async (_what, status, body, type, token) => {
    const { peer, axios } = await start();
    peer.answerProblem(status, body, type);
    const error = await errorOf(axios.get('/', { headers: { 'Fencing-Token': token } }));
    expect(isAxiosError(error)).toBe(true);
    expect(error).toMatchObject({ status });
  });

  it('is passed on if the lock is lost only while it is looked at', async () => {
    const { locks, store, peer, axios, app, LedgerModule } = await start();
    app.get(LedgerModule).remove();
    axios.interceptors.response.use(undefined, async (error: unknown) => {
      await store.forceLose('invoice:42');
      throw error;
    });
    useFencingTokens(axios, locks);
    peer.answerProblem(500, {});
    const held = locks.withLock('invoice:42', () => axios.get('/'));
    expect(await errorOf(held)).toMatchObject({ name: 'AxiosError', status: 500 });
  });

  it('is passed on if there is none', async () => {
    const { axios } = await start();
    const error = await errorOf(axios.get('http://127.0.0.1:1'));
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
