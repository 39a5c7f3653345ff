import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FencedDatabase, FORMS, read, write } from './support/mariadb-fences.js';
import {
  CLIENTS,
  type Isolation,
  type MariadbSession,
  outcomeOf,
} from './support/mariadb-session.js';
import './support/patience.js';

const [OLD, NEW] = [33, 34];
const STALE = 'StaleFencingTokenError';
const [DEADLOCK, LOCK_WAIT_TIMEOUT, RECORD_HAS_CHANGED] = [1213, 1205, 1020];
const RR: Isolation = 'REPEATABLE READ';

let database: FencedDatabase;
beforeAll(async () => {
  database = await FencedDatabase.start();
});
afterAll(() => database?.stop());

describe.each(CLIENTS)('$name', (client) => {
  /** Two holders of one lock, after each other, whose transactions meet. */
  let older: MariadbSession;
  let newer: MariadbSession;

  beforeAll(async () => {
    [older, newer] = [await database.session(client), await database.session(client)];
  });
  afterAll(() => database.closeSessions());
  afterEach(async () => {
    for (const session of [older, newer]) {
      await session.rollback();
      for (const name of ['innodb_lock_wait_timeout', 'innodb_snapshot_isolation']) {
        await session.rows(`SET SESSION ${name} = DEFAULT`);
      }
    }
  });

  describe.each(FORMS)('$name', (form) => {
    const { assertFence } = form;
    beforeEach(() => database.reset(['a', 'b'], form));

    /** A whole transaction, as it is repeated. */
    const transaction = (session: MariadbSession, token: number) =>
      outcomeOf(
        (async () => {
          await session.begin(RR);
          await assertFence(session, 'a', token);
          await write(session, 'a', token);
          await session.commit();
        })(),
      );

    it('whoever has waited too long is told by the server, and by the guard when it tries again', async () => {
      await newer.begin(RR);
      await assertFence(newer, 'a', NEW);
      await older.rows('SET SESSION innodb_lock_wait_timeout = 0');
      expect(await transaction(older, OLD)).toBe(LOCK_WAIT_TIMEOUT);
      await older.rollback();
      await newer.commit();
      expect(await transaction(older, OLD)).toBe(STALE);
    });

    it('a newer holder that has waited too long passes when it tries again', async () => {
      await older.begin(RR);
      await assertFence(older, 'a', OLD);
      await newer.rows('SET SESSION innodb_lock_wait_timeout = 0');
      expect(await transaction(newer, NEW)).toBe(LOCK_WAIT_TIMEOUT);
      await newer.rollback();
      await older.commit();
      expect(await transaction(newer, NEW)).toBe('done');
      expect(await database.writerOf('a')).toBe(NEW);
    });

    /** Both have one thing and want the other's; the server ends the one that has written less. */
    async function deadlock(victim: MariadbSession): Promise<Record<'older' | 'newer', unknown>> {
      const survivor = victim === older ? newer : older;
      await older.begin(RR);
      await newer.begin(RR);
      for (let i = 0; i < 20; i++) {
        await survivor.rows('INSERT INTO document (id) VALUES (?)', `ballast ${i}`);
      }
      await assertFence(older, 'a', OLD);
      await assertFence(newer, 'b', NEW);
      const wanted = outcomeOf(assertFence(older, 'b', OLD));
      await database.monitor.waiting(1);
      const outcome = await outcomeOf(assertFence(newer, 'a', NEW));
      return { newer: outcome, older: await wanted };
    }

    it('an older holder that a deadlock has ended is stale when it tries again', async () => {
      expect(await deadlock(older)).toEqual({ older: DEADLOCK, newer: 'done' });
      await older.rollback();
      await newer.commit();
      expect(await transaction(older, OLD)).toBe(STALE);
    });

    it('a newer holder that a deadlock has ended passes when it tries again', async () => {
      expect(await deadlock(newer)).toEqual({ older: 'done', newer: DEADLOCK });
      await newer.rollback();
      await older.commit();
      expect(await transaction(newer, NEW)).toBe('done');
      expect(await database.writerOf('a')).toBe(NEW);
    });

    describe('after a read, which the fence should have come before', () => {
      it('an older holder is stale even where the snapshot does not show why', async () => {
        await older.rows('SET SESSION innodb_snapshot_isolation = OFF');
        await older.begin(RR);
        await read(older, 'a');
        expect(await transaction(newer, NEW)).toBe('done');
        expect(await read(older, 'a')).toBeNull();
        expect(await outcomeOf(assertFence(older, 'a', OLD))).toBe(STALE);
      });

      it('a newer holder passes where the snapshot does not show what it has waited for', async () => {
        await newer.rows('SET SESSION innodb_snapshot_isolation = OFF');
        await newer.begin(RR);
        await read(newer, 'b');
        await older.begin(RR);
        await assertFence(older, 'a', OLD);
        await write(older, 'b', OLD);
        const arrival = outcomeOf(assertFence(newer, 'a', NEW));
        await database.monitor.waiting(1);
        await older.commit();
        expect(await arrival).toBe('done');
        expect(await read(newer, 'b')).toBeNull();
        expect(await database.writerOf('b')).toBe(OLD);
      });

      it('the server refuses what the snapshot does not show, and the guard the next attempt', async () => {
        await older.rows('SET SESSION innodb_snapshot_isolation = ON');
        await older.begin(RR);
        await read(older, 'a');
        expect(await transaction(newer, NEW)).toBe('done');
        expect(await outcomeOf(assertFence(older, 'a', OLD))).toBe(RECORD_HAS_CHANGED);
        await older.rollback();
        expect(await transaction(older, OLD)).toBe(STALE);
      });

      it('a newer holder that the server refuses so passes with the next attempt', async () => {
        await newer.rows('SET SESSION innodb_snapshot_isolation = ON');
        await newer.begin(RR);
        await read(newer, 'a');
        expect(await transaction(older, OLD)).toBe('done');
        expect(await outcomeOf(assertFence(newer, 'a', NEW))).toBe(RECORD_HAS_CHANGED);
        await newer.rollback();
        expect(await transaction(newer, NEW)).toBe('done');
        expect(await database.writerOf('a')).toBe(NEW);
      });
    });

    it('with the fence first, a strict snapshot refuses nobody', async () => {
      for (const session of [older, newer]) {
        await session.rows('SET SESSION innodb_snapshot_isolation = ON');
      }
      await older.begin(RR);
      await assertFence(older, 'a', OLD);
      await write(older, 'a', OLD);
      const arrival = transaction(newer, NEW);
      await database.monitor.waiting(1);
      await older.commit();
      expect(await arrival).toBe('done');
      expect(await transaction(older, OLD)).toBe(STALE);
    });

    it('is refused outside of a transaction', async () => {
      await expect(assertFence(newer, 'a', NEW)).rejects.toThrow(/transaction/);
      expect(await outcomeOf(assertFence(newer, 'a', NEW))).toBe('LockOptionsError');
    });

    it('is refused outside of one where nothing is known of the client, by what it selects', async () => {
      const query = async (text: string, values: unknown[]) => {
        const rows = await newer.rows(text, ...values);
        return Array.isArray(rows) ? rows : [];
      };
      const tells = /asserted outside of a transaction/;
      await expect(form.assertFenceBy(query, 'a', NEW)).rejects.toThrow(tells);
      await newer.begin(RR);
      await form.assertFenceBy(query, 'a', NEW);
    });
  });
});
