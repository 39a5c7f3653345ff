import { printable } from '../core/printable.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../core/duration.js';
import type { HeldName } from '../monitoring/overview/overview.interface.js';
import type { EventRecord, ProcessRecord, ToldEvent } from '../stores/report.interface.js';
import { EXIT, type ExitCode, toCommandError } from './exit.js';
import { heldNames, type ListOptions } from './list.js';
import { holderTable, toJson, who } from './names.js';
import type { Target } from './target.js';
import { type Terminal } from './terminal.js';

export interface WatchOptions extends ListOptions {
  readonly interval: string;
}

const INTERVAL_BOUNDS = { min: 100, max: 3_600_000 } as const;
/** As a rule; all that there are, where none of them was seen before. */
const EVENTS_AT_ONCE = 50;
const MOST_EVENTS = 1_000;
/** The heading, the line of totals, and room for events. */
const OTHER_ROWS = 9;
const CLEAR = '\u001b[H\u001b[2J\u001b[3J';

/** What is seen at one look. */
interface Look {
  readonly names: readonly HeldName[];
  readonly total: number;
  readonly processes: readonly ProcessRecord[];
  readonly events: readonly ToldEvent[];
}

/**
 * Shows what is held, again and again until it is stopped: a table that is drawn anew on a terminal, and one line for
 * each change elsewhere.
 */
export async function watch(
  target: Target,
  terminal: Terminal,
  options: WatchOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const intervalMs = parseDuration(options.interval, '--interval', INTERVAL_BOUNDS);
  const show = terminal.isTTY && !options.json ? screen(terminal) : lines(terminal, options.json);
  let isFirst = true;
  while (!signal.aborted) {
    try {
      show.look(await look(target, terminal, options, show));
    } catch (error) {
      // What is wrong from the start is to be told; later an outage passes.
      if (isFirst) throw error;
      show.trouble(toCommandError(error).message);
    }
    isFirst = false;
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
  return EXIT.done;
}

async function look(
  target: Target,
  terminal: Terminal,
  { limit, search, kind, json }: WatchOptions,
  { hasTold }: Show,
): Promise<Look> {
  const isScreen = terminal.isTTY && !json;
  const room = String(Math.max(1, Math.min(Number(limit), terminal.rows - OTHER_ROWS)));
  const query = {
    limit: isScreen ? room : limit,
    ...(search && { search }),
    ...(kind && { kind }),
  };
  const [{ names, total }, processes, events] = await Promise.all([
    heldNames(target, query),
    target.overview.processes(),
    target.overview.events(EVENTS_AT_ONCE),
  ]);
  const areAllNew = events.length === EVENTS_AT_ONCE && !events.some(hasTold);
  const all = areAllNew ? await target.overview.events(MOST_EVENTS) : events;
  return { names, total, processes, events: all };
}

interface Show {
  look(look: Look): void;
  /** Whether that is nothing new; before the first look nothing is. */
  hasTold(this: void, event: ToldEvent): boolean;
  trouble(message: string): void;
}

/** Drawn anew each time. */
function screen(terminal: Terminal): Show {
  let before: { readonly at: number; readonly acquired: number } | undefined;
  return {
    look({ names, total, processes, events }) {
      const now = Date.now();
      const acquired = sum(processes, ({ counts }) => counts.acquired);
      const rate = before ? ((acquired - before.acquired) * 1_000) / (now - before.at) : 0;
      before = { at: now, acquired };
      const waiting = sum(processes, (process) => process.waiting);
      const lost = sum(processes, ({ counts }) => counts.lost);
      const totals = `${total} held  ${waiting} waiting  ${Math.max(0, rate).toFixed(1)} acquired/s  ${lost} lost  ${processes.length} processes`;
      const [headings, ...rows] = holderTable(names, now);
      const shown = [
        terminal.paint('bold', totals),
        '',
        terminal.paint('dim', headings!),
        ...rows,
        ...(names.length < total ? [`… ${total} in all`] : []),
        '',
        ...events.slice(0, 3).map((event) => eventLine(event)),
      ];
      terminal.write(CLEAR + shown.map((line) => cut(line, terminal.columns)).join('\n') + '\n');
    },
    hasTold: () => true,
    trouble: (message) => terminal.line(terminal.paint('red', message)),
  };
}

/** One line for what has changed since the look before. */
function lines(terminal: Terminal, json: true | undefined): Show {
  let before = new Map<string, HeldName>();
  // By their ids: processes tell theirs seconds later, by clocks of their own.
  let told: ReadonlySet<string> | undefined;
  const tell = (type: string, record: object, text: string): void =>
    terminal.line(json ? JSON.stringify({ type, ...record }) : text);
  return {
    look({ names, events }) {
      const now = Date.now();
      const held = new Map(names.map((name) => [idOf(name), name]));
      for (const [id, { name, kind, holders }] of before) {
        if (held.has(id)) continue;
        const record = {
          at: new Date(now).toISOString(),
          name,
          kind,
          fencingToken: holders[0]?.fencingToken,
        };
        tell('freed', record, `${stamp(now)}  freed  ${printable(name)}`);
      }
      for (const [id, name] of held) {
        if (before.has(id)) continue;
        const by = name.holders.map(({ holder }) => who(holder)).join(', ');
        const at = { at: new Date(now).toISOString() };
        tell(
          'held',
          { ...at, ...toJson(name, now) },
          `${stamp(now)}  held   ${printable(name.name)}  by ${by}`,
        );
      }
      for (const event of [...events].reverse()) {
        if (!told || told.has(event.id)) continue;
        const { at, process, type: event_, id: _, ...rest } = event;
        tell(
          'event',
          { at: at.toISOString(), event: event_, ...process, ...rest },
          eventLine(event),
        );
      }
      told = new Set([...events.map(({ id }) => id), ...(told ?? [])].slice(0, 2 * MOST_EVENTS));
      before = held;
    },
    hasTold: ({ id }) => told?.has(id) ?? true,
    trouble: (message) => terminal.note(message),
  };
}

const idOf = ({ name, kind, holders }: HeldName): string =>
  JSON.stringify([kind, name, holders.map(({ fencingToken }) => fencingToken)]);

const stamp = (ms: number): string => new Date(ms).toISOString().slice(11, 19);

const eventLine = ({ at, text, actor }: EventRecord): string =>
  `${stamp(at.getTime())}  event  ${printable(text)}${actor ? ` (${printable(actor)})` : ''}`;

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

const cut = (line: string, columns: number): string =>
  line.length > columns && !line.includes('\u001b') ? `${line.slice(0, columns - 1)}…` : line;
