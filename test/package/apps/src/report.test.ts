import { report } from './report.js';

test('a lock is taken, busy for others, and given back', async () => {
  const given = { token: expect.any(Number), second: 'LOCK_REENTRY', after: null };
  expect(await report()).toEqual({ byUrl: given, byClient: given, inTests: given });
});
