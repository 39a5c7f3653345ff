import { createRequire } from 'node:module';
import { join } from 'node:path';
import { report } from './report.js';

/** Adds what only plain Node can tell: which copies of the package `import` and `require` give. */
async function main() {
  const require = createRequire(join(process.cwd(), 'package.json'));
  const [imported, required] = [await import('nestjs-locker'), require('nestjs-locker')];
  const [testing, requiredTesting] = [
    await import('nestjs-locker/testing'),
    require('nestjs-locker/testing'),
  ];
  const [fencing, requiredFencing] = [
    await import('nestjs-locker/fencing'),
    require('nestjs-locker/fencing'),
  ];
  return {
    ...(await report()),
    isOneCopy:
      imported.LockModule === required.LockModule &&
      testing.TestLockStore === requiredTesting.TestLockStore &&
      fencing.StaleFencingTokenError === required.StaleFencingTokenError &&
      fencing.FenceGuard === requiredFencing.FenceGuard,
    entry: require.resolve('nestjs-locker').split('/nestjs-locker/').at(-1),
    nest: require('@nestjs/core/package.json').version,
    ioredis: require('ioredis/package.json').version,
  };
}

main().then(
  (told) => console.log(JSON.stringify(told)),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
