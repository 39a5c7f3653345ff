// What takes its time, apart from `npm test`: Sentinel, Cluster and several nodes, SQL servers, faults, simulations,
// the page in a browser, 100,000 locks.
import { fileURLToPath } from 'node:url';
import config, { LONG } from '../jest.config.mjs';

const rootDir = fileURLToPath(new URL('..', import.meta.url));
const [nest12, nest11] = config.projects.map((project) => ({
  ...project,
  rootDir,
  roots: ['<rootDir>/test'],
  testRegex: LONG.map((path) => `/test/${path}.*\\.spec\\.ts$`),
  testPathIgnorePatterns: ['/node_modules/'],
}));

// Neither Nest nor ioredis has a part in these, or no other than in specs that run on both.
nest11.testPathIgnorePatterns.push(
  '<rootDir>/test/(dashboard|docs|monitoring|simulation|sql)/',
  '<rootDir>/test/deployments/(quorum-|replicas-elsewhere)',
  '<rootDir>/test/faults/(attach|clock-back|evidence|handle|loss|lost-lease|once|quorum|renewal|scale|sample-app|semaphore|shared-locks|tokens|fixtures)',
);

export default { ...config, rootDir, projects: [nest12, nest11] };
