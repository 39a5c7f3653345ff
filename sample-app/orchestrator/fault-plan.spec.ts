import { describe, expect, it } from '@jest/globals';
import { mulberry32 } from '../shared/mulberry32.ts';
import { planFaults, type PlannedFault } from './fault-plan.ts';

function take(count: number, seed: number, mayStop = true): PlannedFault[] {
  const plan = planFaults(mulberry32(seed), mayStop);
  return Array.from({ length: count }, () => plan.next().value);
}

describe('planFaults', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(take(20, 7)).toEqual(take(20, 7));
    expect(take(20, 7)).not.toEqual(take(20, 8));
  });

  it('kills and stops in equal parts, half of the time in the middle of a submission', () => {
    for (let seed = 0; seed < 50; seed++) {
      const faults = take(8, seed);
      expect(faults.filter(({ kind }) => kind === 'kill')).toHaveLength(4);
      for (const kind of ['kill', 'stop']) {
        const mid = faults.filter((fault) => fault.kind === kind && fault.midSubmission);
        expect(mid).toHaveLength(2);
      }
    }
  });

  it('stops a replica for longer than its lease of 2 s', () => {
    const stops = take(100, 1).filter(({ kind }) => kind === 'stop');
    for (const { lastsMs } of stops) {
      expect(lastsMs).toBeGreaterThanOrEqual(4_000);
      expect(lastsMs).toBeLessThanOrEqual(7_000);
    }
  });

  it('stops nobody where nobody else could go on', () => {
    expect(take(100, 1, false).every(({ kind }) => kind === 'kill')).toBe(true);
  });
});
