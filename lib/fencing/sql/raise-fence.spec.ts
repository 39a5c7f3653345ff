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

/** A transaction whose client gives these answers, one after the other, once it has shown that it is one. */
function answering(...answers: unknown[]) {
  const statements: { text: string; values: unknown[] }[] = [];
  const tx = async (text: string, values: unknown[]) => {
    if (text.startsWith('LOCK TABLE ')) return [];
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
      const tx = answering(written, [{ fence, active: 1 }]);
      await assertFence(tx);
      expect(tx.statements).toHaveLength(2);
    });

    it('is stale when a larger one is stored', async () => {
      const refused = assertFence(answering(written, [{ fence: '10', active: 1n }]));
      await expect(refused).rejects.toThrow(StaleFencingTokenError);
    });

    it.each<[string, unknown]>([
      ['a smaller fence', [{ fence: TOKEN - 1, active: 1 }]],
      ['another key', [{ FENCE: TOKEN, active: 1 }]],
      ['NULL', [{ fence: null, active: 1 }]],
      ['two rows', Array(2).fill({ fence: TOKEN, active: 1 })],
      ['no rows at all', undefined],
    ])('does not pass when the answer is %s', async (_what, answer) => {
      await expect(assertFence(answering(written, answer))).rejects.toThrow(LockOptionsError);
    });
  },
);

describe.each(forms('mariadb'))('a fence in a $form of MariaDB', ({ assertFence }) => {
  it.each([0, 0n, '0'])('is refused outside of a transaction, told by %p', async (flag) => {
    const tx = answering([], [{ fence: TOKEN, active: flag }]);
    await expect(assertFence(tx)).rejects.toThrow(/asserted outside of a transaction/);
  });

  it.each([
    { fence: TOKEN },
    { fence: TOKEN, isActive: 1 },
    { fence: TOKEN, ACTIVE: 1 },
    { fence: TOKEN, active: null },
    { fence: TOKEN, active: true },
  ])('does not pass when it is not told of a transaction: %p', async (row) => {
    const refused = assertFence(answering([], [row]));
    await expect(refused).rejects.toThrow(LockOptionsError);
    await expect(refused).rejects.toThrow(/with the keys fence.* and 1 as "active"/);
  });
});

describe('on PostgreSQL, a client that does not tell of its transaction', () => {
  const inNone = Object.assign(new Error('can only be used in transaction blocks'), {
    code: '25P01',
  });
  const table = [
    { form: 'guard table', fence: new FenceGuard({ dialect: 'postgres' }), name: 'fence_guard' },
    {
      form: 'column',
      fence: new FenceColumn({ dialect: 'postgres', table: 's.t' }),
      name: 's"."t',
    },
  ];

  it.each(table)('has to show it first, with a $form', async ({ fence, name }) => {
    const texts: string[] = [];
    const tx = async (text: string) => {
      texts.push(text);
      return [{ fence: TOKEN }];
    };
    await fence.assertFence(tx, '42', TOKEN);
    expect(texts[0]).toBe(`LOCK TABLE ONLY "${name}" IN ROW EXCLUSIVE MODE`);
    expect(texts).toHaveLength(2);
  });

  it.each(table)('does not have to where it tells, with a $form', async ({ fence }) => {
    const texts: string[] = [];
    const query = async (text: string) => {
      texts.push(text);
      return { rows: [{ fence: TOKEN }] };
    };
    await fence.assertFence({ query, getTransactionStatus: () => 'T' } as never, '42', TOKEN);
    expect(texts).toHaveLength(1);
  });

  it.each([
    ['as it is', inNone],
    ['as a cause', new Error('Failed query', { cause: inNone })],
    ['as the original', Object.assign(new Error('failed'), { original: inNone })],
  ])('is refused when the server tells that there is none, %s', async (_how, error) => {
    const refused = new FenceGuard({ dialect: 'postgres' }).assertFence(
      () => Promise.reject(error),
      '42',
      TOKEN,
    );
    await expect(refused).rejects.toThrow(LockOptionsError);
    await expect(refused).rejects.toThrow(/asserted outside of a transaction/);
    await expect(refused).rejects.toMatchObject({ cause: error });
  });

  it.each([Object.assign(new Error('permission denied'), { code: '42501' }), null])(
    'rejects with any other error as it is: %p',
    async (error) => {
      const refused = new FenceGuard({ dialect: 'postgres' }).assertFence(
        () => Promise.reject(error),
        '42',
        TOKEN,
      );
      await expect(refused).rejects.toBe(error);
    },
  );
});

describe('on MySQL and MariaDB', () => {
  it.each<SqlDialect>(['mysql', 'mariadb'])('%s gets names as bytes', async (dialect) => {
    const tx = answering([], [{ fence: TOKEN, active: 1 }]);
    await new FenceGuard({ dialect }).assertFence(tx, 'é', TOKEN);
    expect(tx.statements[0]!.values[0]).toEqual(Buffer.from([0xc3, 0xa9]));
    expect(tx.statements[1]!.values).toEqual([Buffer.from([0xc3, 0xa9])]);
  });

  it.each<SqlDialect>(['mysql', 'mariadb'])('%s gets keys as texts', async (dialect) => {
    const tx = answering([], [{ fence: TOKEN, active: 1 }]);
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
