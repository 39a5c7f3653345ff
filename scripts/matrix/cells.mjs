/** Node versions; the one that runs the script is not fetched. */
export const NODES = ['20', '22', '24'];
/** A pair of Nest and ioredis; those that a user gets together are jest projects already. */
export const PAIRS = [
  { nest: '11', ioredis: '5' },
  { nest: '12', ioredis: '6' },
  { nest: '11', ioredis: '6' },
  { nest: '12', ioredis: '5' },
];
export const SERVERS = ['Redis 7', 'Redis 6.2', 'Valkey 8', 'Redis 8'];

/**
 * Thinned: every Node with the pairs that belong together, and on one Node the crossed pairs and every
 * server. What fails through three of the four at once would be missed.
 */
export const CELLS = [
  ...NODES.flatMap((node) =>
    PAIRS.slice(0, 2).map((pair) => ({ node, ...pair, server: 'Redis 7' })),
  ),
  ...PAIRS.slice(2).map((pair) => ({ node: NODES[0], ...pair, server: 'Redis 7' })),
  ...SERVERS.slice(1).flatMap((server) =>
    PAIRS.slice(0, 2).map((pair) => ({ node: NODES[0], ...pair, server })),
  ),
];

export const idOf = ({ node, nest, ioredis, server }) =>
  `node ${node}, nest ${nest}, ioredis ${ioredis}, ${server}`;

/** What speaks to Redis and to Nest: each of them on a real server, none in a process of its own. */
export const SPECS = [
  'test/conformance/redis-lock-store',
  'test/integration/(names|kinds|nested-and-several|once|jobs|job-semaphore|waiting|queries|events)\\.spec',
  'test/nest/(controllers|cron|method-kinds|module-redis|module-registration|observables|async-generators)\\.spec',
  'test/nest/(jobs-injection|on-busy|once|scopes|with-permit|exception-filter|fencing-http-server)\\.spec',
];
