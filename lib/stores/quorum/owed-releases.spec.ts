import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../testing/manual.clock.js';
import type { ReleaseStep } from './node-port.interface.js';
import { OwedReleases } from './owed-releases.js';

const release = (name: string, owner = 'o'): ReleaseStep => ({
  type: 'release',
  name,
  owner,
  minHoldMs: 0,
  leaves: true,
});

describe('OwedReleases', () => {
  let clock: ManualClock;
  let owed: OwedReleases;
  beforeEach(() => {
    clock = new ManualClock();
    owed = new OwedReleases(clock, 1_000);
  });

  it('gives each once, in the order in which they came', () => {
    for (const step of [release('b'), release('a'), release('b'), release('b', 'p')])
      owed.add(step);
    expect(owed.take()).toEqual([release('b'), release('a'), release('b', 'p')]);
    expect(owed.take()).toEqual([]);
  });

  it('forgets what has ended by itself', async () => {
    owed.add(release('a'));
    await clock.advance(600);
    owed.add(release('b'));
    await clock.advance(400);
    expect(owed.take()).toEqual([release('b')]);
  });

  it('keeps the latest ten thousand', () => {
    for (let i = 0; i < 10_001; i++) owed.add(release(`n${i}`));
    const steps = owed.take();
    expect(steps).toHaveLength(10_000);
    expect(steps[0]).toEqual(release('n1'));
  });
});
