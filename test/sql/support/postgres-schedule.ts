import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { until } from '../../support/until.js';
import {
  type AssertFence,
  type FencedDatabase,
  type FenceForm,
  read,
  write,
} from './postgres-fences.js';
import {
  type Isolation,
  type Outcome,
  outcomeOf,
  type PostgresSession,
} from './postgres-session.js';

const DOCUMENTS = ['a', 'b'];
const SESSIONS = 3;

/** It writes one or two documents, fenced by one token. */
interface Transaction {
  readonly token: number;
  readonly documents: readonly string[];
  readonly commits: boolean;
}

/** What each session does one after the other, and whose turn it is. */
export interface Schedule {
  readonly isolation: Isolation;
  readonly sessions: readonly (readonly Transaction[])[];
  readonly turns: readonly number[];
}

export const schedules = (isolations: readonly Isolation[]): fc.Arbitrary<Schedule> =>
  fc.record({
    isolation: fc.constantFrom(...isolations),
    sessions: fc.array(
      fc.array(
        fc.record({
          token: fc.integer({ min: 1, max: 4 }),
          documents: fc.constantFrom(['a'], ['a'], ['a', 'b'], ['b', 'a']),
          commits: fc.constantFrom(true, true, true, false),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      { minLength: 2, maxLength: SESSIONS },
    ),
    turns: fc.array(fc.nat({ max: SESSIONS - 1 }), { minLength: 10, maxLength: 30 }),
  });

/** How the sessions are guarded, rightly or not. */
export interface Guarding {
  readonly assertFence: AssertFence;
  readonly readsFirst?: boolean;
  /** What it is prepared as; nothing is, otherwise. */
  readonly form?: FenceForm;
}

/** Runs a schedule on real sessions, and looks at what it has left behind. */
export class ScheduleRun {
  /** How its steps ended. */
  readonly outcomes: Outcome[] = [];

  private readonly committed = new Map<string, number[]>(DOCUMENTS.map((name) => [name, []]));
  private readonly players: Player[];

  constructor(
    private readonly schedule: Schedule,
    private readonly database: FencedDatabase,
    sessions: readonly PostgresSession[],
    private readonly guarding: Guarding,
  ) {
    this.players = schedule.sessions.map(
      (transactions, i) => new Player(sessions[i]!, this.steps(sessions[i]!, transactions)),
    );
  }

  /** @throws if a smaller token has written after a larger one, or a write is lost */
  async run(): Promise<void> {
    await this.database.reset(DOCUMENTS, this.guarding.form);
    for (const turn of this.schedule.turns) await this.players[turn]?.play();
    while (this.players.some(({ isOver }) => !isOver)) {
      for (const player of this.players) {
        await player.play();
        await player.settlesOrWaits();
      }
    }
    for (const document of DOCUMENTS) await this.check(document);
  }

  /** The steps of a session; a transaction that was refused anything is rolled back. */
  private async *steps(
    session: PostgresSession,
    transactions: readonly Transaction[],
  ): AsyncGenerator<void> {
    for (const transaction of transactions) {
      const work = this.work(session, transaction);
      let step: IteratorResult<void> | undefined;
      do {
        const outcome = await outcomeOf(work.next().then((result) => (step = result)));
        this.outcomes.push(outcome);
        if (outcome !== 'done') {
          await session.rollback();
          break;
        }
        yield;
      } while (!step?.done);
    }
  }

  private async *work(
    session: PostgresSession,
    { token, documents, commits }: Transaction,
  ): AsyncGenerator<void, void> {
    const { assertFence, readsFirst } = this.guarding;
    await session.begin(this.schedule.isolation);
    for (const document of documents) {
      let before = readsFirst ? await read(session, document) : undefined;
      if (before) yield;
      await assertFence(session, document, token);
      yield;
      before ??= await read(session, document);
      yield;
      await write(session, document, before, token);
      yield;
    }
    if (!commits) return session.rollback();
    await session.commit();
    for (const document of documents) this.committed.get(document)!.push(token);
  }

  private async check(document: string): Promise<void> {
    const tokens = await this.database.tokensOf(document);
    const inOrder = this.committed.get(document)!.toSorted((a, b) => a - b);
    if (tokens.join() === inOrder.join()) return;
    throw new Error(
      `${document} was written with the tokens ${tokens.join()}, and committed were ${inOrder.join()}`,
    );
  }
}

/** A session with its steps: one that waits for a lock lets the others go on. */
class Player {
  isOver = false;
  private isBusy = false;

  constructor(
    private readonly session: PostgresSession,
    private readonly steps: AsyncGenerator<void>,
  ) {}

  /** Does the next step, unless it is still at the last. */
  async play(): Promise<void> {
    if (this.isBusy || this.isOver) return;
    this.isBusy = true;
    const step = this.steps.next().then(({ done }) => {
      this.isBusy = false;
      this.isOver = done ?? false;
    });
    // Most steps need no more than this, so that the server is not asked.
    await Promise.race([step, sleep(5)]);
    await this.settlesOrWaits();
  }

  async settlesOrWaits(): Promise<void> {
    if (!this.isBusy) return;
    await until(async () => !this.isBusy || (await this.session.isWaiting()), {
      what: 'the step has ended, or waits for another session',
      intervalMs: 1,
    });
  }
}
