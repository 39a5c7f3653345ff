import { PGlite, type Transaction } from '@electric-sql/pglite';
import { Injectable } from '@nestjs/common';
import { FencingTokenMissingException } from '../../lib/fencing/index.ts';
import type { JournalEntry } from '../shared/submission.interface.ts';
import { guard } from './database.ts';

export type NewEntry = Pick<JournalEntry, 'kind' | 'invoice'> & { readonly reference?: number };

/** The authority's records in Postgres, behind the guard. */
@Injectable()
export class Journal {
  private isFencing = true;

  constructor(private readonly postgres: PGlite) {}

  /** Begins a new one, and says whether the guard stands before it. */
  async begin(isFencing: boolean): Promise<void> {
    await this.postgres.exec('TRUNCATE document, journal, fence_guard RESTART IDENTITY');
    this.isFencing = isFencing;
  }

  /**
   * One transaction about an invoice: the guard first, then whatever is to be written or read.
   *
   * @throws StaleFencingTokenError if a newer token has been here; nothing is written then
   */
  transaction<T>(
    invoice: string,
    token: number | undefined,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    return this.postgres.transaction(async (tx) => {
      if (this.isFencing) {
        if (token === undefined) throw new FencingTokenMissingException();
        await guard.assertFence(tx, invoice, token);
      }
      return work(tx);
    });
  }

  /** @returns the number of the entry */
  async enter(
    tx: Transaction,
    { kind, invoice, reference }: NewEntry,
    token: number | undefined,
  ): Promise<number> {
    const { rows } = await tx.query<{ entry: number }>(
      'INSERT INTO journal (kind, invoice, reference, fencing_token) VALUES ($1, $2, $3, $4) RETURNING entry',
      [kind, invoice, reference ?? null, token ?? null],
    );
    return rows[0]!.entry;
  }

  async entries(): Promise<JournalEntry[]> {
    const { rows } = await this.postgres.query<JournalEntry>(`
      SELECT entry, kind, journal.invoice, reference, fencing_token AS "fencingToken",
        submitted_by AS "submittedBy", at
      FROM journal LEFT JOIN document USING (reference) ORDER BY entry
    `);
    return rows;
  }

  /** How many submissions were filed, and of how many invoices. */
  async count(): Promise<{ submissions: number; invoices: number }> {
    const { rows } = await this.postgres.query<{ submissions: number; invoices: number }>(`
      SELECT count(*)::integer AS submissions, count(DISTINCT invoice)::integer AS invoices
      FROM journal WHERE kind = 'filed'
    `);
    return rows[0]!;
  }
}
