import type { ProcessRecord, ToldEvent } from '../report.interface.js';

/** A record as it was written; `undefined` for what is none. */
export function parseRecord(text: string | null): ProcessRecord | undefined {
  const found = parse<ProcessRecord>(text);
  if (!found?.id) return undefined;
  const { startedAt, reportedAt } = found;
  return { ...found, startedAt: new Date(startedAt), reportedAt: new Date(reportedAt) };
}

/** An event as it was written; `undefined` for what is none. */
export function parseEvent(text: string | undefined): ToldEvent | undefined {
  const found = parse<ToldEvent>(text);
  return found?.id ? { ...found, at: new Date(found.at) } : undefined;
}

function parse<T>(text: string | null | undefined): T | undefined {
  try {
    return JSON.parse(text ?? 'null') as T;
  } catch {
    return undefined; // somebody else's
  }
}
