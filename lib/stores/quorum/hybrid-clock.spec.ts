import { describe, expect, it } from '@jest/globals';
import { HybridClock } from './hybrid-clock.js';

const NOW = 1_700_000_000_000;

describe('HybridClock', () => {
  it('proposes just ahead of the fastest node', () => {
    const proposal = new HybridClock().propose(NOW);
    expect(proposal).toBeGreaterThan(NOW * 1_000);
    expect(proposal).toBeLessThan((NOW + 100) * 1_000);
    expect(Number.isSafeInteger(proposal)).toBe(true);
  });

  it('proposes nothing twice, whatever the clocks do', () => {
    const clock = new HybridClock();
    const proposals = [0, 0, -500, 3, 2].map((ms) => clock.propose(NOW + ms));
    expect(proposals).toEqual([...new Set(proposals)].sort((a, b) => a - b));
  });

  it('follows counters that have run ahead', () => {
    const clock = new HybridClock();
    clock.observe((NOW + 900) * 1_000, NOW);
    expect(clock.propose(NOW)).toBe((NOW + 900) * 1_000 + 1);
    clock.observe(5, NOW);
    expect(clock.propose(NOW)).toBe((NOW + 900) * 1_000 + 2);
  });

  it('does not follow a token that no right clock can have made', () => {
    const clock = new HybridClock();
    clock.observe((NOW + 60_000) * 1_000, NOW);
    expect(clock.propose(NOW)).toBeLessThan((NOW + 100) * 1_000);
  });

  it('forgets what it proposed by a clock that was wrong', () => {
    const clock = new HybridClock();
    clock.propose(NOW + 3_600_000);
    expect(clock.propose(NOW)).toBeLessThan((NOW + 100) * 1_000);
  });
});
