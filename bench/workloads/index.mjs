// Each workload is a file of its own, with both its sides: `work` runs in the processes that
// measure (see worker.mjs), the rest in the bench itself.
export const WORKLOADS = [
  'one-caller',
  'in-flight-256',
  'contended',
  'contended-away',
  'light',
  'one-process-64',
  'held-10000',
  'holder-killed',
  'many-waiters',
  'decorated',
  'nodes-one-caller',
  'nodes-away',
  'nodes-in-flight-64',
  'nodes-contended',
  'nodes-one-killed',
  'nodes-one-stopped',
];

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {number} [processes] default: 1
 * @property {boolean} [isPinned] the client on one CPU, the servers on another
 * @property {number} [nodes] so many independent servers, for locks over a majority; default: one server
 * @property {number} [awayMs] so much later what the servers answer arrives
 * @property {object[]} [cells] measured one after the other, into one row
 * @property {number} [repetitions] where fewer will do
 * @property {(contestant: object) => boolean} [takesPart] default: all that use Redis
 * @property {(settings: object) => object} [timesOf] its own times, where they differ
 * @property {(context: object) => Promise<object>} work
 * @property {(course: object) => Promise<object>} [conduct] default: conductAtOnce
 * @property {(outcome: object) => object} summarize metrics: numbers, whose median counts, or lists, which are joined
 * @property {object[]} columns
 * @property {object[]} targets what the library is to reach
 */

/** @returns {Promise<Workload>} */
export const loadWorkload = async (name) => (await import(`./${name}.mjs`)).default;
