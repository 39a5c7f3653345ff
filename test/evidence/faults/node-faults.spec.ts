import { expect, it } from '@jest/globals';
import { nodeFaults } from './node-faults.js';

it('a fault of a node is counted from when it is there', async () => {
  const done: string[] = [];
  const note = (what: string) => async () => void done.push(what);
  const stage = {
    random: () => 0,
    world: {
      nodes: { servers: [{}, {}, {}], kill: note('killed'), restart: note('restarted') },
    },
    expectRecovery: note('counted'),
    pass: note('passed'),
    during: (_what: string, hit: () => Promise<unknown>) => hit(),
  };
  const fault = nodeFaults.find(({ name }) => name === 'nodes-one-killed')!;
  await fault.inject(stage as never);
  expect(done).toEqual(['killed', 'counted', 'passed', 'restarted', 'passed']);
});
