import { CommandError, EXIT, type ExitCode } from './exit.js';
import { holderTable, toJson } from './names.js';
import type { HeldName } from '../monitoring/overview/overview.interface.js';
import type { NameKind } from '../stores/lock-store.interface.js';
import type { Target } from './target.js';
import type { Terminal } from './terminal.js';

const MOST_OF_A_PAGE = 500;
const MOST = 1_000_000;

export interface ListOptions {
  readonly search?: string;
  readonly kind?: NameKind;
  readonly limit: string;
  readonly json?: true;
}

/** What is held, the longest held first. */
export async function list(
  target: Target,
  terminal: Terminal,
  { json, ...options }: ListOptions,
): Promise<ExitCode> {
  const { names, isAll, total } = await heldNames(target, options);
  const now = Date.now();
  if (json) {
    for (const name of names) terminal.line(JSON.stringify(toJson(name, now)));
    return EXIT.done;
  }
  for (const line of names.length > 0 ? holderTable(names, now) : ['Nothing is held.']) {
    terminal.line(line);
  }
  if (!isAll) terminal.note(`There are more, of ${total} in all: --limit, --search`);
  return EXIT.done;
}

export interface Held {
  readonly names: readonly HeldName[];
  readonly isAll: boolean;
  readonly total: number;
}

/** As many as are wanted, page by page. */
export async function heldNames(
  { overview }: Target,
  { search, kind, limit }: Omit<ListOptions, 'json'>,
): Promise<Held> {
  const most = wholeNumber(limit, '--limit', MOST);
  const names: HeldName[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await overview.held({
      search,
      kind,
      cursor,
      limit: Math.min(most - names.length, MOST_OF_A_PAGE),
    });
    names.push(...page.names);
    cursor = page.cursor;
    if (cursor === undefined || names.length >= most) {
      return { names, isAll: cursor === undefined, total: page.total };
    }
  }
}

/** @throws CommandError if it is none */
export function wholeNumber(text: string, option: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new CommandError(`${option} is "${text}"; write a whole number from 1 to ${most}.`);
}
