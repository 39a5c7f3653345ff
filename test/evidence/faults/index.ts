import { clientFaults } from './client-faults.js';
import { deploymentFaults } from './deployment-faults.js';
import type { Fault } from './fault.js';
import { neighbourFaults } from './neighbour-faults.js';
import { networkFaults } from './network-faults.js';
import { nodeFaults } from './node-faults.js';
import { serverFaults } from './server-faults.js';

const all = [
  ...clientFaults,
  ...serverFaults,
  ...neighbourFaults,
  ...networkFaults,
  ...deploymentFaults,
  ...nodeFaults,
];
const order = ['single', 'sentinel', 'cluster', 'nodes'];

/** For each kind of trouble, and each kind of deployment. */
export const QUICK: readonly string[] = [
  'client-killed',
  'client-stopped',
  'server-restarted-empty',
  'flushall',
  'subscriber-killed',
  'replies-lost',
  'duplicates',
  'sentinel-failover',
  'cluster-resharding',
  'nodes-one-killed',
  'nodes-flushall',
];

/** In the order of the tables: by the servers that are hit. Clocks can be stepped on Linux alone. */
export const FAULTS: readonly Fault[] = all
  .filter(({ name }) => process.platform === 'linux' || !name.includes('clock'))
  .sort((a, b) => order.indexOf(a.world) - order.indexOf(b.world));
