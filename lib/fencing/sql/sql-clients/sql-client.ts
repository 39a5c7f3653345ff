import type { SqlDialect, SqlStatement } from '../sql-statement.js';

/** What is known of an object before its client is recognised. */
export type Shape = Readonly<Record<string, unknown>>;

/** How a client is recognised, without its package, and asked. */
export interface SqlClient<Transaction> {
  /** As messages call it. */
  readonly name: string;
  /** The servers it speaks with, if not all. */
  readonly dialects?: readonly SqlDialect[];
  /** Whether it is noticed, by `refusal` or by the client itself, that no transaction is open, or no longer. */
  readonly tells: boolean;
  recognises(tx: Shape): boolean;
  /** Why it is no open transaction and what to pass instead, if the client can tell. */
  refusal?(tx: Transaction & Shape): string | undefined;
  run(tx: Transaction, statement: SqlStatement, dialect: SqlDialect): unknown;
}

/** Whether it has all these methods. */
export function can(tx: object, ...methods: string[]): boolean {
  return methods.every((method) => typeof (tx as Shape)[method] === 'function');
}
