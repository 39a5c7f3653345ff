import { byName, type Window } from './call.js';
import type { Violation } from './violation.js';

const msBetween = (from: number, to: number) => (to - from) / 1000;

/** Windows of certainty of one name must not overlap. */
export function findOverlaps(windows: readonly Window[]): Violation[] {
  const found: Violation[] = [];
  for (const [name, same] of byName(windows.filter(({ kind }) => kind === 'lock'))) {
    let open: Window[] = [];
    for (const window of same) {
      open = open.filter((earlier) => earlier.to > window.from);
      for (const earlier of open) {
        const to = Math.min(earlier.to, window.to);
        const ms = msBetween(window.from, to);
        // It was over before its holder could look: its process stood still meanwhile.
        if (ms <= 0) continue;
        const text = `${earlier.id} and ${window.id} held "${name}" together for ${ms.toFixed(1)} ms`;
        found.push({ kind: 'overlap', name, text, from: window.from, to, ms });
      }
      open.push(window);
    }
  }
  return found;
}

/** Of a semaphore, no more windows may overlap than there are permits. */
export function findTooMany(windows: readonly Window[], permits: number): Violation[] {
  const found: Violation[] = [];
  for (const [name, same] of byName(windows.filter(({ kind }) => kind === 'permit'))) {
    let open: Window[] = [];
    for (const window of same) {
      open = open.filter((earlier) => earlier.to > window.from);
      if (window.to <= window.from) continue;
      open.push(window);
      if (open.length <= permits) continue;
      // All of them together until the first of them ends.
      const to = Math.min(...open.map((each) => each.to));
      const ms = msBetween(window.from, to);
      const text = `${open.map(({ id }) => id).join(', ')} held permits of "${name}", of which there are ${permits}`;
      found.push({ kind: 'capacity', name, text, from: window.from, to, ms });
    }
  }
  return found;
}
