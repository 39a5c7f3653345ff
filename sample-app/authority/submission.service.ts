import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PGlite } from '@electric-sql/pglite';
import { Injectable, NotFoundException } from '@nestjs/common';
import type { Document, DocumentReceipt, FilingReceipt } from '../shared/submission.interface.ts';
import { Journal } from './journal.ts';

/** How long the authority looks at a document, in milliseconds. */
const CHECKING = { min: 30, max: 70 };
/** How long its answer takes to a filing, which is in the journal by then. */
const ANSWERING = { min: 10, max: 30 };

export interface KnownDocument extends Document {
  readonly reference: number;
}

/**
 * Not idempotent, like so many services one has to call: whatever is filed counts, even if its sender
 * is gone before it has the answer.
 */
@Injectable()
export class SubmissionService {
  constructor(
    private readonly postgres: PGlite,
    private readonly journal: Journal,
  ) {}

  /** The first step. */
  async handIn(document: Document, token: number | undefined): Promise<DocumentReceipt> {
    const { invoice, amount, currency, submittedBy, sentAt } = document;
    await sleep(randomInt(CHECKING.min, CHECKING.max + 1));
    return this.journal.transaction(invoice, token, async (tx) => {
      const { rows } = await tx.query<DocumentReceipt>(
        `INSERT INTO document (invoice, amount, currency, submitted_by, sent_at)
         VALUES ($1, $2, $3, $4, $5) RETURNING reference`,
        [invoice, amount, currency, submittedBy, sentAt],
      );
      const { reference } = rows[0]!;
      await this.journal.enter(tx, { kind: 'handed in', invoice, reference }, token);
      return { reference };
    });
  }

  /** The second step: this is what counts. */
  async file(
    { invoice, reference }: KnownDocument,
    token: number | undefined,
  ): Promise<FilingReceipt> {
    const receipt = await this.journal.transaction(invoice, token, (tx) =>
      this.journal.enter(tx, { kind: 'filed', invoice, reference }, token),
    );
    await sleep(randomInt(ANSWERING.min, ANSWERING.max + 1));
    return { receipt };
  }

  /**
   * Whether an invoice is filed. Asked with a fencing token, "no" is final for all older ones: whoever
   * began before the question is refused from now on.
   */
  hasReceived(invoice: string, token: number | undefined): Promise<boolean> {
    if (token === undefined) return this.isFiled(this.postgres, invoice);
    return this.journal.transaction(invoice, token, async (tx) => {
      await this.journal.enter(tx, { kind: 'asked', invoice }, token);
      return this.isFiled(tx, invoice);
    });
  }

  async find(reference: number): Promise<KnownDocument> {
    const { rows } = await this.postgres.query<KnownDocument>(
      `SELECT reference, invoice, amount, currency, submitted_by AS "submittedBy", sent_at AS "sentAt"
       FROM document WHERE reference = $1`,
      [reference],
    );
    if (!rows[0]) throw new NotFoundException(`Nothing was handed in as ${reference}.`);
    return rows[0];
  }

  private async isFiled(database: Pick<PGlite, 'query'>, invoice: string): Promise<boolean> {
    const { rows } = await database.query(
      `SELECT 1 FROM journal WHERE kind = 'filed' AND invoice = $1 LIMIT 1`,
      [invoice],
    );
    return rows.length > 0;
  }
}
