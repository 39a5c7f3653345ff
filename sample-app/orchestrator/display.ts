import { stdout } from 'node:process';
import { styleText } from 'node:util';
import { number, seconds } from './text.ts';

type Style = Parameters<typeof styleText>[0];

const BAR_WIDTH = 24;
const LINE_EVERY_MS = 1_000;
/** How Nest begins a log line: name, process id and time, which are told here already. */
const NEST_PREFIX = /^\[Nest\] .*?(?=(WARN|ERROR) )/;

export interface Progress {
  readonly invoices: number;
  readonly submissions: number;
  readonly total: number;
}

/** What people see: one line that updates itself on a terminal, a line a second elsewhere. */
export class Display {
  private readonly live = stdout.isTTY;
  private readonly colours = stdout.isTTY && stdout.hasColors() && !process.env['NO_COLOR'];
  private progressLine = '';
  private lastLineAt = 0;
  private startedAt = Date.now();

  style(style: Style, text: string): string {
    return this.colours ? styleText(style, text) : text;
  }

  /** A run begins: its times count from here. */
  begin(title: string): void {
    this.print(`\n${this.style('bold', title)}`);
    this.startedAt = Date.now();
  }

  progress({ invoices, submissions, total }: Progress, done = false): void {
    const full = Math.floor((invoices / total) * BAR_WIDTH);
    const bar =
      this.style('green', '█'.repeat(full)) + this.style('dim', '░'.repeat(BAR_WIDTH - full));
    const duplicates = submissions - invoices;
    const line = [
      `${this.time()}  ${bar}`,
      `${number(invoices).padStart(5)} of ${number(total)} invoices`,
      this.style(
        duplicates > 0 ? 'red' : 'reset',
        `${number(duplicates).padStart(5)} ${duplicates === 1 ? 'duplicate' : 'duplicates'}`,
      ),
    ].join('  ');

    if (this.live) {
      this.progressLine = done ? '' : line;
      stdout.write(`\r\x1b[K${line}${done ? '\n' : ''}`);
    } else if (done || Date.now() - this.lastLineAt >= LINE_EVERY_MS) {
      this.lastLineAt = Date.now();
      stdout.write(`${line}\n`);
    }
  }

  /** Something happened: a line that stays, above the one that updates itself. */
  note(text: string): void {
    this.print(`${this.time()}  ${this.style('yellow', text)}`);
  }

  /** What a process of the demo wrote. */
  output(from: string, line: string): void {
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
