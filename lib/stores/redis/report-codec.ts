import type { Holder } from '../lock-store.interface.js';
import type { ProcessRecord, ToldEvent } from '../report.interface.js';

type Unknown<T> = { readonly [Key in keyof T]?: unknown };

/** A record as it was written; `undefined` for what is none, as another version's may be. */
export function parseRecord(text: string | null): ProcessRecord | undefined {
  const found = parse<ProcessRecord>(text);
  if (!isText(found.id) || !isHolder(found.process)) return undefined;
  const startedAt = toDate(found.startedAt);
  const reportedAt = toDate(found.reportedAt);
  if (!startedAt || !reportedAt || !isCount(found.held) || !isCount(found.waiting))
    return undefined;
  const counts = asObject<ProcessRecord['counts']>(found.counts);
  const waits = asObject<ProcessRecord['waits']>(found.waits);
  const { acquired, busy, released, lost } = counts;
  if (![acquired, busy, released, lost, waits.sumMs].every(isCount)) return undefined;
  if (!Array.isArray(waits.buckets) || !waits.buckets.every(isCount)) return undefined;
  return { ...(found as unknown as ProcessRecord), startedAt, reportedAt };
}

/** An event as it was written; `undefined` for what is none. */
export function parseEvent(text: string | undefined): ToldEvent | undefined {
  const found = parse<ToldEvent>(text);
  const { id, process, type, name = '', text: told, actor = '' } = found;
  const at = toDate(found.at);
  if (!at || !isHolder(process) || ![id, type, name, told, actor].every(isText)) return undefined;
  return { ...(found as unknown as ToldEvent), at };
}

function parse<T>(text: string | null | undefined): Unknown<T> {
  try {
    return asObject<T>(JSON.parse(text ?? 'null'));
  } catch {
    return {}; // somebody else's
  }
}

const asObject = <T>(value: unknown): Unknown<T> =>
  typeof value === 'object' && value !== null ? (value as Unknown<T>) : {};

const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => typeof value === 'number';

function isHolder(value: unknown): value is Holder {
  const { service, host, pid } = asObject<Holder>(value);
  return isText(service) && isText(host) && isCount(pid);
}

function toDate(value: unknown): Date | undefined {
  const date = new Date(isText(value) ? value : NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
