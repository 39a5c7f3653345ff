import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError, StaleFencingTokenError } from '../../lock.errors.js';
import { type FencedBy, tokenOf } from '../fencing-token.js';
import { rejection } from '../rejection.js';

/**
 * Makes sure that an UPDATE with a condition on the fence has written something.
 *
 * Such an UPDATE needs no transaction and no guard: it compares and writes in one step. That nothing was
 * written may also mean that there is no such row, or that its fence is NULL, which matches nobody: the
 * column must be NOT NULL. Of MySQL clients, the count must be of the rows that matched, as mysql2 and
 * mariadb give it, not of those that changed.
 *
 * @param rowCount how many rows were written, as the client tells
 * @param resource what was written to, for the error
 * @param by the lock, or its token, that stands in the UPDATE
 * @throws StaleFencingTokenError if it was none
 * @throws LockOptionsError if the count or the token is none
 * @example
 * const { rowCount } = await pool.query(
 *   `UPDATE invoice SET status = 'issued', fence = $1 WHERE id = $2 AND fence <= $1`,
 *   [lock.fencingToken, 42],
 * );
 * assertFenced(rowCount, 'invoice:42', lock);
 */
export function assertFenced(
  rowCount: number | bigint | null | undefined,
  resource: string,
  by: FencedBy,
): void {
  const isCount = typeof rowCount === 'bigint' || Number.isSafeInteger(rowCount);
  if (!isCount || rowCount! < 0) {
    throw new LockOptionsError(
      `The count of rows written to ${describeValue(resource)} is ${describeValue(rowCount)}; pass the number that the ` +
        'client gives, such as rowCount (pg), affectedRows (mysql2) or affected (TypeORM).',
    );
  }
  const token = tokenOf(by, resource);
  if (Number(rowCount) === 0) throw rejection('sql', new StaleFencingTokenError(resource, token));
}
