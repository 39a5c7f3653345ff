import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { LockModule } from 'nestjs-locker';
import { afterTest } from '../../../test/support/lock-service.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { TaxAuthorityClient } from './tax-authority.client.js';

it('ends the request when the permit is lost', async () => {
  const authority = createServer(); // it never answers
  const request = once(authority, 'request');
  await once(authority.listen(0, '127.0.0.1'), 'listening');
  afterTest(() => authority.close());
  const url = `http://127.0.0.1:${(authority.address() as AddressInfo).port}`;

  const redis = await RedisServer.start();
  afterTest(() => redis.stop());
  const app = await Test.createTestingModule({
    imports: [LockModule.forRoot({ redis: redis.url, drainTimeout: 0 })],
    providers: [TaxAuthorityClient],
  }).compile();
  await app.init();
  const submission = app
    .get(TaxAuthorityClient)
    .submit(url, 42)
    .catch((error: unknown) => error);
  const [, response] = await request;
  const ended = once(response, 'close');
  await app.close(); // permits are lost once `drainTimeout` is over
  await ended;
  expect(await submission).toBeInstanceOf(Error);
});
