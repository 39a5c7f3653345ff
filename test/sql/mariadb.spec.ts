import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FenceGuard } from '../../lib/fencing/sql/fence-guard.js';
import type { SqlTransaction } from '../../lib/fencing/sql/sql-transaction.js';
import { FencedDatabase, FORMS, GUARD, read, write } from './support/mariadb-fences.js';
import { CLIENTS, ISOLATIONS, type MariadbSession, outcomeOf } from './support/mariadb-session.js';

let database: FencedDatabase;

const [OLD, NEW] = [33, 34];
const STALE = 'StaleFencingTokenError';
const DEADLOCK = 1213;

beforeAll(async () => {
  database = await FencedDatabase.start();
});
afterAll(() => database?.stop());

const everyWay = CLIENTS.flatMap((client) =>
  ISOLATIONS.map((isolation) => ({ client, isolation, name: `${client.name} at ${isolation}` })),
);

describe.each(everyWay)('$name', ({ client, isolation }) => {
  /** Two holders of one lock, after each other, whose transactions meet. */
  let older: MariadbSession;
  let newer: MariadbSession;

  beforeAll(async () => {
    [older, newer] = [await database.session(client), await database.session(client)];
  });
  afterAll(() => database.closeSessions());
  afterEach(async () => {
    await older.rollback();
    await newer.rollback();
  });

  describe.each(FORMS)('$name', (form) => {
    const { assertFence } = form;
    const fence = async () => Number(await database.fenceOf(form, 'a'));
    beforeEach(() => database.reset(['a', 'b'], form));

    it('a newer holder waits until the older one has committed, and passes', async () => {
      await older.begin(isolation);
      await assertFence(older, 'a', OLD);
      await write(older, 'a', OLD);
      await newer.begin(isolation);
      const arrival = outcomeOf(assertFence(newer, 'a', NEW));
      await database.monitor.waiting(1);
      await older.commit();
      expect(await arrival).toBe('done');
      // What it reads from here on is what it waited for, also where reads are of a snapshot.
      expect(await read(newer, 'a')).toBe(OLD);
      await write(newer, 'a', NEW);
      await newer.commit();
      expect([await fence(), await database.writerOf('a')]).toEqual([NEW, NEW]);
    });

    it('an older one waits until the newer one has committed, and is stale', async () => {
      await newer.begin(isolation);
      await assertFence(newer, 'a', NEW);
      await write(newer, 'a', NEW);
      await older.begin(isolation);
      const arrival = assertFence(older, 'a', OLD);
      const outcome = outcomeOf(arrival);
      await database.monitor.waiting(1);
      await newer.commit();
      expect(await outcome).toBe(STALE);
      await expect(arrival).rejects.toMatchObject({ fencingToken: OLD, newestToken: NEW });
      await older.rollback();
      expect([await fence(), await database.writerOf('a')]).toEqual([NEW, NEW]);
    });

    it('an older one passes when the newer one rolls back', async () => {
      await newer.begin(isolation);
      await assertFence(newer, 'a', NEW);
      await write(newer, 'a', NEW);
      await older.begin(isolation);
      const arrival = outcomeOf(assertFence(older, 'a', OLD));
      await database.monitor.waiting(1);
      await newer.rollback();
      expect(await arrival).toBe('done');
      await write(older, 'a', OLD);
      await older.commit();
      expect([await fence(), await database.writerOf('a')]).toEqual([OLD, OLD]);
    });

    it('an older one is stale when the newer one has committed before it came', async () => {
      await newer.begin(isolation);
      await assertFence(newer, 'a', NEW);
      await newer.commit();
      await older.begin(isolation);
      expect(await outcomeOf(assertFence(older, 'a', OLD))).toBe(STALE);
    });

    it('one holder writes many times, in one transaction and in several', async () => {
      for (let transaction = 1; transaction <= 3; transaction++) {
        await older.begin(isolation);
        for (let time = 1; time <= 3; time++) {
          await assertFence(older, 'a', OLD);
          await write(older, 'a', OLD);
        }
        await older.commit();
      }
      expect([await fence(), await database.writerOf('a')]).toEqual([OLD, OLD]);
    });

    it('writes to different things do not wait for each other', async () => {
      await older.begin(isolation);
      await newer.begin(isolation);
      await assertFence(older, 'a', OLD);
      await assertFence(newer, 'b', NEW);
      await write(older, 'a', OLD);
      await write(newer, 'b', NEW);
      await newer.commit();
      await older.commit();
      expect([await database.writerOf('a'), await database.writerOf('b')]).toEqual([OLD, NEW]);
    });
  });

  it('without a fence, the older one writes over what the newer one has written', async () => {
    await database.reset(['a']);
    await newer.begin(isolation);
    await write(newer, 'a', NEW);
    await older.begin(isolation);
    const arrival = outcomeOf(write(older, 'a', OLD));
    await database.monitor.waiting(1);
    await newer.commit();
    expect(await arrival).toBe('done');
    await older.commit();
    expect(await database.writerOf('a')).toBe(OLD);
  });

  it('of several that wait for one that rolls back, none writes after a newer one', async () => {
    await database.reset(['a']);
    const [first, second] = [older, newer];
    const third = await database.session(client);
    await first.begin(isolation);
    await GUARD.assertFence(first, 'a', OLD + 2);
    /** As whoever writes has to: what the server has ended is repeated. */
    const writes = async (session: MariadbSession, token: number): Promise<void> => {
      await session.begin(isolation);
      try {
        await GUARD.assertFence(session, 'a', token);
        await write(session, 'a', token);
        await session.commit();
      } catch (error) {
        await session.rollback();
        if ((error as { errno?: number }).errno === DEADLOCK) return writes(session, token);
        throw error;
      }
    };
    const outcomes = [outcomeOf(writes(second, NEW)), outcomeOf(writes(third, OLD))];
    await database.monitor.waiting(2);
    await first.rollback();
    expect(['done', STALE]).toContain(await outcomes[1]);
    expect(await outcomes[0]).toBe('done');
    expect(await database.writerOf('a')).toBe(NEW);
    expect(Number(await database.fenceOf(GUARD, 'a'))).toBe(NEW);
  });

  it('whoever comes and goes, the tokens that write only rise', async () => {
    await database.monitor.rows(
      'CREATE OR REPLACE TABLE written (id INT AUTO_INCREMENT PRIMARY KEY, document INT, token INT)',
    );
    // MySQL's statements are understood here, too.
    const guards = (['mariadb', 'mysql'] as const).map((dialect) => new FenceGuard({ dialect }));
    const sessions = await Promise.all(Array.from({ length: 6 }, () => database.session(client)));
    let newest = 100;
    let stale = 0;
    const comeAndGo = async (session: MariadbSession, who: number) => {
      for (let turn = 0; turn < 12; turn++) {
        const token = newest++;
        const document = token % 2;
        // Some are late, and some give up.
        for (let pause = (who * 7 + turn * 3) % 11; pause > 0; pause--) await session.rows('DO 0');
        await session.begin(isolation);
        try {
          const tx = session.connection as SqlTransaction;
          await guards[who % 2]!.assertFence(tx, `document:${document}`, token);
          await session.rows(
            'INSERT INTO written (document, token) VALUES (?, ?)',
            document,
            token,
          );
          await (turn % 4 === 3 ? session.rollback() : session.commit());
        } catch (error) {
          await session.rollback();
          if ((error as Error).name === STALE) stale++;
          else if ((error as { errno?: number }).errno !== DEADLOCK) throw error;
        }
      }
    };
    await Promise.all(sessions.map(comeAndGo));

    for (const document of [0, 1]) {
      const rows = await database.monitor.rows(
        'SELECT token FROM written WHERE document = ? ORDER BY id',
        document,
      );
      const tokens = rows.map(({ token }) => Number(token));
      expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
      expect(tokens.length).toBeGreaterThan(10);
    }
    // Else they have not met.
    expect(stale).toBeGreaterThan(0);
  });
});
