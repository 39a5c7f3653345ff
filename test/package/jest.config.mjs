// For what installs the packed package in applications: apart from `npm test`, since npm takes its time.
import config from '../../jest.config.mjs';

const [project] = config.projects;

export default {
  ...config,
  rootDir: '../..',
  projects: [
    {
      ...project,
      displayName: 'package',
      roots: ['<rootDir>/test/package'],
      testPathIgnorePatterns: ['/node_modules/'],
    },
  ],
};
