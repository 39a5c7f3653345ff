import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../support/until.js';
import { FenceGuard } from '../../lib/fencing/sql/fence-guard.js';
import type { SqlTransaction } from '../../lib/fencing/sql/sql-transaction.js';
import { FencedDatabase, FORMS, GUARD, read, write } from './support/mariadb-fences.js';
import {
  CLIENTS,
  type Isolation,
  ISOLATIONS,
  type MariadbSession,
  type Outcome,
  outcomeOf,
} from './support/mariadb-session.js';
import './support/patience.js';

let database: FencedDatabase;

const [OLD, NEW] = [33, 34];
const STALE = 'StaleFencingTokenError';
const DEADLOCK = 1213;

beforeAll(async () => {
  database = await FencedDatabase.start();
});
afterAll(() => database?.stop());

class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/** As whoever writes has to: what the server has ended is repeated. */
async function inTransaction(
  session: MariadbSession,
  isolation: Isolation,
  work: () => Promise<void>,
): Promise<void> {
  await session.begin(isolation);
  try {
    await work();
    await session.commit();
  } catch (error) {
    await session.rollback();
    if ((error as { errno?: number }).errno !== DEADLOCK) throw error;
    await inTransaction(session, isolation, work);
  }
}

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
    const writes = (session: MariadbSession, token: number) =>
      inTransaction(session, isolation, async () => {
        await GUARD.assertFence(session, 'a', token);
        await write(session, 'a', token);
      });
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
    const TURNS = 12;
    let newest = 100;
    const written = [0, 0];
    const outcomes: Outcome[] = [];
    const comeAndGo = async (session: MariadbSession, who: number) => {
      for (let turn = 0; turn < TURNS; turn++) {
        const token = newest++;
        const document = token % 2;
        const work = async () => {
          const tx = session.connection as SqlTransaction;
          await guards[who % 2]!.assertFence(tx, `document:${document}`, token);
          await session.rows(
            'INSERT INTO written (document, token) VALUES (?, ?)',
            document,
            token,
          );
          // Some give up.
          if (turn % 4 === 3) throw new GivenUp();
        };
        // Some are late, and one is so for sure.
        for (let pause = (who * 7 + turn * 3) % 11; pause > 0; pause--) await session.rows('DO 0');
        if (who + turn === 0) {
          await until(() => written[document]! > token, { what: 'a newer one has written' });
        }
        const outcome = await outcomeOf(inTransaction(session, isolation, work));
        if (outcome === 'done') written[document] = Math.max(written[document]!, token);
        outcomes.push(outcome);
      }
    };
    await Promise.all(sessions.map(comeAndGo));

    const count = (outcome: Outcome) => outcomes.filter((each) => each === outcome).length;
    expect(new Set(outcomes)).toEqual(new Set(['done', 'GivenUp', STALE]));
    let rowCount = 0;
    for (const document of [0, 1]) {
      const rows = await database.monitor.rows(
        'SELECT token FROM written WHERE document = ? ORDER BY id',
        document,
      );
      const tokens = rows.map(({ token }) => Number(token));
      expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
      expect(tokens.at(-1)).toBe(written[document]);
      rowCount += tokens.length;
    }
    expect(rowCount).toBe(count('done'));
  });
});
