import { describe, expect, it } from '@jest/globals';
import { heldLock } from '../../../test/support/held-lock.js';
import {
  LockKeyError,
  LockLostError,
  LockOptionsError,
  StaleFencingTokenError,
} from '../../lock.errors.js';
import type { FencedBy } from '../fencing-token.js';
import { FenceColumn, type FenceColumnOptions } from './fence-column.js';
import { FenceGuard, type FenceGuardOptions } from './fence-guard.js';
import type { SqlDialect } from './sql-statement.js';

const TOKEN = 7;

/** A transaction whose client gives these answers, one after the other. */
function answering(...answers: unknown[]) {
  const statements: { text: string; values: unknown[] }[] = [];
  const tx = async (text: string, values: unknown[]) => {
    statements.push({ text, values });
    if (answers.length === 0) throw new Error('no more statements were expected');
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return Object.assign(tx, { statements });
}

const forms = (dialect: SqlDialect) => [
  {
    form: 'guard table',
    assertFence: (tx: ReturnType<typeof answering>, by: FencedBy = TOKEN) =>
      new FenceGuard({ dialect }).assertFence(tx, 'invoice:42', by),
  },
  {
    form: 'column',
    assertFence: (tx: ReturnType<typeof answering>, by: FencedBy = TOKEN) =>
      new FenceColumn({ dialect, table: 'invoice' }).assertFence(tx, 42, by),
  },
];

describe.each(forms('postgres'))('a fence in a $form of PostgreSQL', ({ assertFence }) => {
  it.each([TOKEN, String(TOKEN), BigInt(TOKEN)])('passes when the answer is %p', async (fence) => {
    const tx = answering([{ fence }]);
    await assertFence(tx);
    expect(tx.statements).toHaveLength(1);
  });

  it.each([8, '8', 8n, '10', '9007199254740993'])(
    'is stale without a row, while %p is stored',
    async (fence) => {
      const refused = assertFence(answering([], [{ fence }]));
      await expect(refused).rejects.toThrow(StaleFencingTokenError);
      await expect(refused).rejects.toMatchObject({ newestToken: Number(fence) });
    },
  );

  it.each<[string, ...unknown[]]>([
    ['another key', [{ FENCE: TOKEN }]],
    ['no object', [[TOKEN]]],
    ['NULL', [{ fence: null }]],
    ['an empty text', [{ fence: '' }]],
    ['a text that is no number', [{ fence: '7 ' }]],
    ['true', [{ fence: true }]],
    ['a fraction', [{ fence: 7.5 }]],
    ['a smaller fence', [{ fence: TOKEN - 1 }]],
    ['a larger fence', [{ fence: TOKEN + 1 }]],
    ['two rows', [{ fence: TOKEN }, { fence: TOKEN }]],
    ['no rows at all', undefined],
    ['a count', { rowCount: 1 }],
    ['a text', 'INSERT 0 1'],
    ['no row, and then its own token', [], [{ fence: TOKEN }]],
    ['no row, and then a smaller fence', [], [{ fence: TOKEN - 1 }]],
    ['no row, and then another key', [], [{ Fence: TOKEN + 1 }]],
  ])('does not pass when the answer is %s', async (_what, ...answers) => {
    await expect(assertFence(answering(...answers))).rejects.toThrow(LockOptionsError);
  });

  it.each([[[new Error('40001')]], [[[], new Error('40001')]]])(
    `gives the client's own error as it is`,
    async (answers) => {
      const error = answers.at(-1);
      await expect(assertFence(answering(...answers))).rejects.toBe(error);
    },
  );

  it('is that of the lock', async () => {
    const tx = answering([{ fence: TOKEN }]);
    await assertFence(tx, heldLock('invoice:42', TOKEN).lock);
    expect(tx.statements[0]!.values).toContain(TOKEN);
  });

  it('sends nothing for a lock that is lost, or for no token', async () => {
    const tx = answering();
    const { lock, lose } = heldLock('invoice:42', TOKEN);
    lose();
    await expect(assertFence(tx, lock)).rejects.toThrow(LockLostError);
    await expect(assertFence(tx, 0)).rejects.toThrow(LockOptionsError);
    expect(tx.statements).toEqual([]);
  });
});

describe.each([...forms('mysql'), ...forms('mariadb')])(
  'a fence in a $form of MySQL or MariaDB',
  ({ assertFence }) => {
    const written = { affectedRows: 1, insertId: 0 };

    it.each([TOKEN, String(TOKEN), BigInt(TOKEN)])('passes when %p is stored', async (fence) => {
      const tx = answering(written, [{ fence, in_transaction: 1 }]);
      await assertFence(tx);
      expect(tx.statements).toHaveLength(2);
    });

    it('is stale when a larger one is stored', async () => {
      const refused = assertFence(answering(written, [{ fence: '10', in_transaction: 1n }]));
      await expect(refused).rejects.toThrow(StaleFencingTokenError);
    });

    it.each<[string, unknown]>([
      ['a smaller fence', [{ fence: TOKEN - 1 }]],
      ['another key', [{ FENCE: TOKEN }]],
      ['NULL', [{ fence: null }]],
      ['two rows', [{ fence: TOKEN }, { fence: TOKEN }]],
      ['no rows at all', undefined],
      ['that there is no transaction', [{ fence: TOKEN, in_transaction: 0 }]],
      ['that there is no transaction, as a bigint', [{ fence: TOKEN, in_transaction: 0n }]],
    ])('does not pass when the answer is %s', async (_what, answer) => {
      await expect(assertFence(answering(written, answer))).rejects.toThrow(LockOptionsError);
    });
  },
);

describe('on MySQL and MariaDB', () => {
  it.each<SqlDialect>(['mysql', 'mariadb'])('%s gets names as bytes', async (dialect) => {
    const tx = answering([], [{ fence: TOKEN }]);
    await new FenceGuard({ dialect }).assertFence(tx, 'é', TOKEN);
    expect(tx.statements[0]!.values[0]).toEqual(Buffer.from([0xc3, 0xa9]));
    expect(tx.statements[1]!.values).toEqual([Buffer.from([0xc3, 0xa9])]);
  });

  it.each<SqlDialect>(['mysql', 'mariadb'])('%s gets keys as texts', async (dialect) => {
    const tx = answering([], [{ fence: TOKEN }]);
    await new FenceColumn({ dialect, table: 'invoice' }).assertFence(tx, 42, TOKEN);
    expect(tx.statements.map(({ values }) => values.at(-1))).toEqual(['42', '42']);
  });
});

describe('the options', () => {
  it.each([undefined, {}, { dialect: 'pg' }, { dialect: 'postgres', table: 'a b' }])(
    'of a guard are not %p',
    (options) => {
      expect(() => new FenceGuard(options as FenceGuardOptions)).toThrow(LockOptionsError);
    },
  );

  it.each([
    undefined,
    { dialect: 'postgres' },
    { table: 'invoice' },
    { dialect: 'postgres', table: 'invoice', key: 'id)' },
    { dialect: 'postgres', table: 'invoice', fence: '' },
  ])('of a column are not %p', (options) => {
    expect(() => new FenceColumn(options as FenceColumnOptions)).toThrow(LockOptionsError);
  });

  it('of a call are checked before anything is sent', async () => {
    const tx = answering();
    const guard = new FenceGuard({ dialect: 'postgres' });
    await expect(guard.assertFence(tx, '', TOKEN)).rejects.toThrow(LockKeyError);
    const column = new FenceColumn({ dialect: 'postgres', table: 'invoice' });
    await expect(column.assertFence(tx, Number.NaN, TOKEN)).rejects.toThrow(LockKeyError);
    expect(tx.statements).toEqual([]);
  });
});
