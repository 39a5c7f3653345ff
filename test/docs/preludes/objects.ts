import { afterTest } from '../../support/lock-service.js';
import { fetchObjectStore } from '../../support/fetch-object-store.js';
import { ObjectServer } from '../../support/object-server.js';
import type base from './base.js';

/** An object store over HTTP, and the lock of a report. */
export default async function objects({ locks }: Awaited<ReturnType<typeof base>>) {
  const server = await ObjectServer.start();
  afterTest(() => server.stop());
  const store = fetchObjectStore(server.url);
  return {
    store,
    csv: 'invoice;amount\n42;100\n',
    line: '1 invoice 42 was issued',
    file: 'the whole report',
    upload: (key: string, body: string) => store.put(key, Buffer.from(body), { ifNoneMatch: '*' }),
    lock: await locks.acquire('report'),
  };
}
