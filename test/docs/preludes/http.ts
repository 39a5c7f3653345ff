import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterTest } from '../../support/lock-service.js';

/** A ledger of somebody else, which keeps the tokens that it is sent. */
export default async function http() {
  const tokens: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    tokens.push(request.headers['fencing-token'] as string | undefined);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => server.close());
  const ledgerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { ledgerUrl, tokens, body: '{"status":"issued"}' };
}
