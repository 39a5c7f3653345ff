import { Child } from './child.ts';
import type { Display } from './display.ts';
import type { Mode } from './options.ts';

/** The page on which the locks of a run can be watched: a process of its own, of which no run takes notice. */
export class Page {
  private child: Child | undefined;
  private port = '0';
  private forget: () => Promise<void> = () => Promise.resolve();

  /** @param stayingAfter the run whose page stays when it is over */
  constructor(
    private readonly display: Display,
    private readonly stayingAfter: Mode | undefined,
  ) {}

  /** Shows the locks of a run. All runs have one address, so that a page that is open goes on with the next. */
  async show(mode: Mode, prefix: string): Promise<void> {
    const child = new Child({
      name: 'page',
      script: 'dashboard/dashboard.main.js',
      env: { LOCK_PREFIX: prefix, TITLE: mode, PORT: this.port },
      onOutput: (line) => this.display.output('page', line),
    });
    this.child = child;
    try {
      const { url } = await child.says('listening');
      this.port = new URL(url).port;
      const until = this.stays(mode) ? 'until you press Ctrl-C' : 'until this run is over';
      this.display.print(`Watch its locks at ${this.display.style('bold', url)} ${until}.`);
      child.crashed.catch((error: Error) => this.display.note(error.message));
    } catch (error) {
      this.display.note(`there is no page to watch: ${(error as Error).message}`);
    }
  }

  async end(): Promise<void> {
    await this.child?.end();
  }

  stays(mode: Mode): boolean {
    return mode === this.stayingAfter;
  }

  /** @param forget takes away what is shown, when somebody has seen enough */
  keep(forget: () => Promise<void>): void {
    this.forget = forget;
  }

  /** Until somebody has seen enough, if it stays at all. */
  async untilLeft(): Promise<void> {
    if (this.stayingAfter === undefined) return;
    this.display.print('\nThe page stays until you press Ctrl-C.');
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        // It may come twice: from the terminal, and from the process that started this one.
        process.removeAllListeners(signal).on(signal, () => resolve());
      }
    });
    await this.forget();
  }
}
