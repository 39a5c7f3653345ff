import { expect, jest } from '@jest/globals';
import { mayBeRetried } from './retried-specs.js';

// Servers are stopped, killed and failed over here, on machines that may be starved for seconds. What
// fails there once is shown in the output; what fails twice fails the run. By hand nothing is retried.
if (process.env['CI'] && mayBeRetried(expect.getState().testPath ?? '')) {
  jest.retryTimes(1, { logErrorsBeforeRetry: true });
}
