import { type CallEntry, type HistoryEntry, isCall, type Kind } from '../history/entry.js';
import type { Grant } from './violation.js';

type Write = Extract<CallEntry, { type: 'write' }>;

/** One call, put together from what its process told. Times in microseconds. */
export interface Call {
  readonly process: string;
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
  readonly invokedAt: number;
  /** When it was answered, whatever the answer. */
  readonly answeredAt?: number;
  readonly answer?: 'ok' | 'busy' | 'unknown';
  readonly token?: number;
  /** When its holder looked last and was told that it is held; never after the release was sent. */
  readonly sureUntil?: number;
  /** When its holder looked, while it had not given it back. */
  readonly looks: readonly number[];
  /** When the signal told that it is lost. */
  readonly toldAt?: number;
  readonly releaseAt?: number;
  readonly releasedAt?: number;
  /** What the library made of the release, or why it failed. */
  readonly released?: string;
  readonly writes: readonly Write[];
}

type Draft = { -readonly [K in keyof Call]: Call[K] } & { looks: number[]; writes: Write[] };

export function callsOf(entries: readonly HistoryEntry[]): Call[] {
  const calls = new Map<string, Draft>();
  for (const entry of entries) {
    if (!isCall(entry)) continue;
    const id = `${entry.process}#${entry.call}`;
    if (entry.type === 'invoke') {
      const { process, name, kind, at } = entry;
      calls.set(id, { id, process, name, kind, invokedAt: at, looks: [], writes: [] });
    } else {
      const call = calls.get(id);
      if (call) tell(call, entry);
    }
  }
  return [...calls.values()];
}

function tell(call: Draft, entry: Exclude<CallEntry, { type: 'invoke' }>): void {
  const { at } = entry;
  switch (entry.type) {
    case 'ok':
      Object.assign(call, { answer: 'ok', answeredAt: at, sureUntil: at, token: entry.token });
      break;
    case 'busy':
    case 'unknown':
      Object.assign(call, { answer: entry.type, answeredAt: at });
      break;
    case 'sure':
    case 'unsure':
      if (call.releaseAt !== undefined) break;
      call.looks.push(at);
      if (entry.type === 'sure') call.sureUntil = at;
      break;
    case 'told':
      call.toldAt ??= at;
      break;
    case 'release':
      call.releaseAt = at;
      break;
    case 'released':
      call.releasedAt = at;
      call.released = entry.result;
      break;
    case 'write':
      call.writes.push(entry);
  }
}

/** A call that was granted: from here to there its holder was certain. */
export interface Window extends Call {
  readonly from: number;
  readonly to: number;
}

/** In the order in which they begin. */
export function windowsOf(calls: readonly Call[]): Window[] {
  return calls
    .flatMap((call) =>
      call.answer === 'ok' ? [{ ...call, from: call.answeredAt!, to: call.sureUntil! }] : [],
    )
    .sort((a, b) => a.from - b.from);
}

/** Things with a name, by name. */
export function byName<T extends { readonly name: string }>(all: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const each of all) {
    const same = found.get(each.name);
    if (same) same.push(each);
    else found.set(each.name, [each]);
  }
  return found;
}

/** When it was asked for, and when it was granted. */
export const grantOf = ({ invokedAt, from }: Window): Grant => ({ askedAt: invokedAt, at: from });
