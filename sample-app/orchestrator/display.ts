import { stdout } from 'node:process';
import { styleText } from 'node:util';
import type { Resolution } from '../clerk/clerk.service.ts';
import { formatResolutions } from './resolutions.ts';
import { number, plural, seconds } from './text.ts';

type Style = Parameters<typeof styleText>[0];

const BAR_WIDTH = 24;
const LINE_EVERY_MS = 1_000;
/** How Nest begins a log line: name, process id and time, which are told here already. */
const NEST_PREFIX = /^\[Nest\] .*?(?=(WARN|ERROR) )/;
const WARNING = /^\[Nest\] .*? WARN /;
/** What is stopped misses ticks of its cron job, and is told so: here that is no news. */
const MISSED_TICK = /^\[Cron\] Missed execution/;

export interface Progress {
  readonly done: number;
  /** Of how many invoices nobody knows whether they are done; not known without locks. */
  readonly unknown?: number | undefined;
  /** How many stale submissions were refused; `undefined` where none is. */
  readonly refused?: number | undefined;
  readonly duplicates: number;
  readonly total: number;
}

/** What people see: one line that updates itself on a terminal, a line a second elsewhere. */
export class Display {
  private readonly live = stdout.isTTY;
  private readonly colours = stdout.isTTY && stdout.hasColors() && !process.env['NO_COLOR'];
  private progressLine = '';
  private lastLineAt = 0;
  private startedAt = Date.now();

  /** @param brief leaves out what happens on the way */
  constructor(private readonly brief = false) {}

  style(style: Style, text: string): string {
    return this.colours ? styleText(style, text) : text;
  }

  /** A run begins: its times count from here. */
  begin(title: string): void {
    this.print(`\n${this.style('bold', title)}`);
    this.startedAt = Date.now();
  }

  progress({ done, unknown, refused, duplicates, total }: Progress, isOver = false): void {
    if (this.brief) return;
    const full = Math.floor((done / total) * BAR_WIDTH);
    const bar =
      this.style('green', '█'.repeat(full)) + this.style('dim', '░'.repeat(BAR_WIDTH - full));
    const line = [
      `${this.time()}  ${bar}`,
      `${number(done).padStart(5)} of ${plural(total, 'invoice')}`,
      ...(unknown === undefined ? [] : [`${number(unknown).padStart(3)} unknown`]),
      ...(refused === undefined ? [] : [`${number(refused).padStart(3)} refused`]),
      this.style(duplicates > 0 ? 'red' : 'reset', `${number(duplicates).padStart(5)} duplicates`),
    ].join('  ');

    if (this.live) {
      this.progressLine = isOver ? '' : line;
      stdout.write(`\r\x1b[K${line}${isOver ? '\n' : ''}`);
    } else if (isOver || Date.now() - this.lastLineAt >= LINE_EVERY_MS) {
      this.lastLineAt = Date.now();
      stdout.write(`${line}\n`);
    }
  }

  /** Something happened: a line that stays, above the one that updates itself. */
  note(text: string): void {
    if (this.brief) return;
    this.print(`${this.time()}  ${this.style('yellow', text)}`);
  }

  /** What was unknown, and what has become of it. */
  resolved(resolutions: readonly Resolution[]): void {
    for (const line of formatResolutions(resolutions)) this.note(`the clerk: ${line}`);
  }

  /** What a process of the demo wrote. */
  output(from: string, line: string): void {
    if (MISSED_TICK.test(line) || (this.brief && WARNING.test(line))) return;
    this.print(
      `${this.time()}  ${this.style('dim', `${from} | ${line.replace(NEST_PREFIX, '')}`)}`,
    );
  }

  print(text: string): void {
    stdout.write(this.live ? `\r\x1b[K${text}\n${this.progressLine}` : `${text}\n`);
  }

  private time(): string {
    return seconds(Date.now() - this.startedAt).padStart(7);
  }
}
