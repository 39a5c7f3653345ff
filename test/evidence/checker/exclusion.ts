import { byName, grantOf, type Window } from './call.js';
import type { Violation, ViolationKind } from './violation.js';

/** Windows of certainty of one name must not overlap. One violation for each that went on beside later ones. */
export function findOverlaps(windows: readonly Window[]): Violation[] {
  const incidents = new Incidents('overlap');
  for (const [name, same] of byName(windows.filter(({ kind }) => kind === 'lock'))) {
    let open: Window[] = [];
    for (const window of same) {
      open = open.filter((earlier) => earlier.to > window.from);
      // Else it was over before its holder could look: its process stood still meanwhile.
      if (window.to <= window.from) continue;
      for (const earlier of open) incidents.add(name, earlier, window);
      open.push(window);
    }
  }
  return incidents.toViolations();
}

/** Of a semaphore, no more windows may overlap than there are permits. */
export function findTooMany(windows: readonly Window[], permits: number): Violation[] {
  const incidents = new Incidents('capacity');
  for (const [name, same] of byName(windows.filter(({ kind }) => kind === 'permit'))) {
    let open: Window[] = [];
    for (const window of same) {
      open = open.filter((earlier) => earlier.to > window.from);
      if (window.to <= window.from) continue;
      open.push(window);
      // All of them together until the first of them ends.
      const first = open.reduce((a, b) => (b.to < a.to ? b : a));
      if (open.length > permits) incidents.add(name, open[0]!, window, first.to);
    }
  }
  return incidents.toViolations();
}

interface Incident {
  readonly name: string;
  readonly holder: Window;
  readonly others: Window[];
  readonly from: number;
  to: number;
}

/** Who held beside whom: one for the holder that was there first, however many came meanwhile. */
class Incidents {
  private readonly found = new Map<string, Incident>();

  constructor(private readonly kind: ViolationKind) {}

  add(name: string, holder: Window, other: Window, until = Math.min(holder.to, other.to)): void {
    const incident = this.found.get(holder.id);
    if (incident) {
      incident.others.push(other);
      incident.to = Math.max(incident.to, until);
    } else {
      this.found.set(holder.id, { name, holder, others: [other], from: other.from, to: until });
    }
  }

  toViolations(): Violation[] {
    return [...this.found.values()].map(({ name, holder, others, from, to }) => {
      const ms = (to - from) / 1000;
      const ids = others.map(({ id }) => id);
      const rest =
        ids.length > 3
          ? `${ids.slice(0, 3).join(', ')} and ${ids.length - 3} more`
          : ids.join(', ');
      const what = this.kind === 'overlap' ? `"${name}"` : `too many permits of "${name}"`;
      const text = `${holder.id} held ${what} beside ${rest}, over ${ms.toFixed(1)} ms`;
      return { kind: this.kind, name, text, from, to, ms, first: grantOf(holder) };
    });
  }
}
