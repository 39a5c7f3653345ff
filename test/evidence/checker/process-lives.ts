import type { HistoryEntry } from '../history/entry.js';

interface Pause {
  readonly from: number;
  readonly to: number;
}

/** When which process stood still, and when it ended by force. */
export class ProcessLives {
  private readonly pauses = new Map<string, Pause[]>();
  private readonly ends = new Map<string, number>();

  constructor(entries: readonly HistoryEntry[]) {
    const stopped = new Map<string, number>();
    for (const entry of entries) {
      if (entry.type === 'stopped') stopped.set(entry.what, entry.at);
      else if (entry.type === 'killed') this.ends.set(entry.what, entry.at);
      else if (entry.type === 'continued') {
        const pause = { from: stopped.get(entry.what) ?? entry.at, to: entry.at };
        this.pauses.set(entry.what, [...(this.pauses.get(entry.what) ?? []), pause]);
      }
    }
  }

  /** When it was killed, if it was. */
  killedAt(process: string): number | undefined {
    return this.ends.get(process);
  }

  /** For how many microseconds of a span it stood still. */
  stoodStill(process: string, from: number, to: number): number {
    const within = ({ from: start, to: end }: Pause) =>
      Math.max(0, Math.min(to, end) - Math.max(from, start));
    return (this.pauses.get(process) ?? []).reduce((sum, pause) => sum + within(pause), 0);
  }
}
