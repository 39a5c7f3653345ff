// For what installs the packed package in applications: apart from `npm test`, since npm takes its time.
import { fileURLToPath } from 'node:url';
import config from '../../jest.config.mjs';

const [project] = config.projects;
const rootDir = fileURLToPath(new URL('../..', import.meta.url));

export default {
  ...config,
  rootDir,
  projects: [
    {
      ...project,
      rootDir,
      displayName: 'package',
      roots: ['<rootDir>/test/package'],
      testPathIgnorePatterns: ['/node_modules/'],
    },
  ],
};
