import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Cluster, Redis } from 'ioredis';
import type { Connection } from '../plan.js';

/** Clients with ioredis' default options, as the libraries' own pages have them; one for each node. */
export function connectTo(connection: Connection): (Redis | Cluster)[] {
  const clients = open(connection);
  // Lost connections are what happens here; without a listener each of them is printed.
  for (const client of clients) client.on('error', () => undefined);
  return clients;
}

function open(connection: Connection): (Redis | Cluster)[] {
  switch (connection.kind) {
    case 'single':
      return [new Redis(connection.url)];
    case 'sentinel':
      return [new Redis({ sentinels: [...connection.sentinels], name: connection.name })];
    case 'cluster':
      return [new Cluster([...connection.nodes])];
    case 'nodes':
      return connection.urls.map((url) => new Redis(url));
  }
}

const bench = createRequire(new URL('../../../../bench/package.json', import.meta.url));

/** One of the packages that the bench compares with, which are installed there. */
export async function importOther<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(bench.resolve(name)).href)) as T;
}
