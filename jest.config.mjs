const nest11 = 'test/compat/nest-11/node_modules';
const swapped = ['@nestjs/[a-z.-]+', 'bullmq', 'ioredis', 'reflect-metadata', 'rxjs'].join('|');

/** They take their time, so they have a command of their own: npm run test:long. */
export const LONG = [
  'deployments/',
  'faults/',
  'simulation/',
  'sql/',
  'dashboard/dashboard-browser',
  'docs/npm-commands',
  'monitoring/overview-scale',
];

/** `COMPAT_IOREDIS=5` or `6` puts that one below either Nest, for `npm run matrix`. */
const ioredis = { 5: nest11, 6: 'node_modules' }[process.env.COMPAT_IOREDIS];
const crossed = ioredis ? { '^(ioredis)(/.*)?$': `<rootDir>/${ioredis}/$1$2` } : {};

const project = (displayName, moduleNameMapper = {}, ignored = []) => ({
  displayName,
  roots: ['<rootDir>/lib', '<rootDir>/test', '<rootDir>/sample-app'],
  testRegex: String.raw`\.spec\.ts$`,
  // The package has a configuration of its own.
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/package/',
    ...LONG.map((path) => `<rootDir>/test/${path}`),
    ...ignored,
  ],
  extensionsToTreatAsEsm: ['.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/support/retry-in-ci.ts'],
  moduleNameMapper: {
    '^nestjs-locker$': '<rootDir>/lib/index.ts',
    '^nestjs-locker/dashboard$': '<rootDir>/lib/monitoring/dashboard/index.ts',
    '^nestjs-locker/fencing$': '<rootDir>/lib/fencing/index.ts',
    '^nestjs-locker/otel$': '<rootDir>/lib/monitoring/otel/index.ts',
    '^nestjs-locker/prometheus$': '<rootDir>/lib/monitoring/prometheus/index.ts',
    '^nestjs-locker/terminus$': '<rootDir>/lib/monitoring/terminus/index.ts',
    '^nestjs-locker/testing$': '<rootDir>/lib/testing/index.ts',
    [String.raw`^(\.{1,2}/.*)\.js$`]: '$1',
    ...crossed,
    ...moduleNameMapper,
  },
  transform: {
    [String.raw`\.ts$`]: [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
});

export default {
  // Real servers, on machines that may be busy.
  testTimeout: 30_000,
  // They mostly wait for those servers.
  maxWorkers: 4,
  // ES modules of specs that are over stay in a worker's memory; it is slow when that is full.
  workerIdleMemoryLimit: '1GB',
  coverageProvider: 'v8',
  collectCoverageFrom: ['lib/**/*.ts', '!lib/**/index.ts', '!lib/**/*.interface.ts'],
  projects: [
    project('nest 12'),
    project('nest 11', { [`^(${swapped})(/.*)?$`]: `<rootDir>/${nest11}/$1$2` }, [
      // Neither Nest nor ioredis has a part in these (core, the scripts, what Redis makes of time), or no
      // other than in specs that run on both.
      '<rootDir>/lib/(core|fencing|jobs|schematics|testing|stores/memory)/',
      '<rootDir>/lib/stores/quorum/(?!redis-)',
      '<rootDir>/lib/(key|lock-problem|parameter)',
      '<rootDir>/lib/monitoring/dashboard/',
      '<rootDir>/sample-app/',
      '<rootDir>/test/(cli|docs|evidence|fuzz|sql|support)/',
      '<rootDir>/test/conformance/(memory|outcomes-model)',
      '<rootDir>/test/conformance/quorum',
      '<rootDir>/test/monitoring/(checks-cluster|loss-log|prometheus-)',
      '<rootDir>/test/integration/(fenced-objects|hand-over|job-batches|job-lists|max-hold|once-edges|permits|permissions|retry|shared-locks)',
    ]),
  ],
};
