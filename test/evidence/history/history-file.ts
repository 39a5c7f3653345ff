import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type HistoryEntry, now, type Unstamped } from './entry.js';

/** The history of one process, a line for each entry, which a SIGKILL does not take with it. */
export class HistoryFile<T extends HistoryEntry> {
  private readonly file: number;

  constructor(
    directory: string,
    private readonly process: string,
  ) {
    this.file = openSync(join(directory, `${process}.jsonl`), 'a');
  }

  /** @param at for what was true at an earlier moment, such as right before a look */
  add(entry: Unstamped<T>, at: number = now()): void {
    const stamped = { at, process: this.process, ...entry };
    // Not buffered: what is handed to the kernel stays when the process does not.
    writeSync(this.file, JSON.stringify(stamped) + '\n');
  }
}

/** The histories of all processes as one, in the order of the clock that they share. */
export function readHistories(directory: string): HistoryEntry[] {
  const entries = readdirSync(directory).flatMap((file) =>
    readFileSync(join(directory, file), 'utf8').split('\n').flatMap(parse),
  );
  return entries.sort((a, b) => a.at - b.at);
}

/** A process that was killed may have left the beginning of a line. */
function parse(line: string): HistoryEntry[] {
  if (!line.endsWith('}')) return [];
  return [JSON.parse(line) as HistoryEntry];
}
