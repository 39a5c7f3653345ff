import { bound, inlined, questionMarks } from '../sql-text.js';
import { can, type SqlClient } from './sql-client.js';

/** The `trx` that `knex.transaction()` gives. */
export interface KnexTransaction {
  raw(text: string, values: any[]): PromiseLike<unknown>;
  isTransaction?: boolean;
}

export const knex: SqlClient<KnexTransaction> = {
  name: 'Knex',
  tells: true,
  recognises: (tx) => typeof tx === 'function' && can(tx, 'raw'),
  refusal: (tx) =>
    tx.isTransaction === true
      ? undefined
      : 'the instance runs each statement on any connection: pass the trx of knex.transaction((trx) => …)',
  run(trx, statement) {
    const { text, values } = questionMarks(statement);
    return trx.raw(text, values);
  },
};

/** What Kysely makes of a text; the parts that its types ask for. */
interface CompiledText {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly query: {
    readonly kind: 'RawNode';
    readonly sqlFragments: readonly string[];
    readonly parameters: readonly [];
  };
  readonly queryId: { readonly queryId: string };
}

/** The `trx` that `db.transaction().execute()` of Kysely gives. */
export interface KyselyTransaction {
  executeQuery(query: CompiledText): PromiseLike<unknown>;
  readonly isTransaction: boolean;
}

export const kysely: SqlClient<KyselyTransaction> = {
  name: 'Kysely',
  tells: true,
  recognises: (tx) => can(tx, 'executeQuery'),
  refusal: (tx) =>
    tx.isTransaction
      ? undefined
      : 'db runs each statement on any connection: pass the trx of db.transaction().execute((trx) => …)',
  run(trx, statement, dialect) {
    const { text, values } = bound(statement, dialect);
    // As CompiledQuery.raw() makes it.
    return trx.executeQuery({
      sql: text,
      parameters: values,
      query: { kind: 'RawNode', sqlFragments: [text], parameters: [] },
      queryId: { queryId: 'nestjs-locker' },
    });
  },
};

/** The `tx` that `db.transaction()` of Drizzle gives. */
export interface DrizzleTransaction {
  execute(text: string): PromiseLike<unknown>;
  rollback(): never;
}

export const drizzle: SqlClient<DrizzleTransaction> = {
  name: 'Drizzle',
  // One that is kept after its end looks as before, and still runs on the connection.
  tells: false,
  recognises: (tx) => can(tx, 'execute', 'select'),
  refusal: (tx) =>
    can(tx, 'rollback')
      ? undefined
      : 'db runs each statement on any connection: pass the tx of db.transaction((tx) => …)',
  // Parameters would need the sql tag of the very copy of drizzle-orm that made the transaction.
  run: (tx, statement, dialect) => tx.execute(inlined(statement, dialect)),
};
