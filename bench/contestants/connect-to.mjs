import { Redis } from 'ioredis';

/** A client for each node, with ioredis' default options. */
export const connectTo = (urls) =>
  urls.map((url) => {
    const client = new Redis(url);
    // A node that is down is part of what is measured; without a listener each attempt is printed.
    client.on('error', () => undefined);
    return client;
  });
