import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JournalReport } from '../support/holding-journal.js';
import { type Play, playAll, type Played } from './five-servers/play.js';
import { randomScenario } from './five-servers/random-faults.js';
import { tableOf } from './five-servers/report.js';
import { SCENARIOS, type Scenario } from './five-servers/scenarios.js';
import { canStepClocks, type Mode } from './five-servers/stage.js';

/** How often everything is played, in all four modes; without it, once what is brief. */
const RUNS = Number(process.env['FIVE_SERVERS_RUNS'] ?? 0);
/** Of the first plan of faults at random; the next run has the next one. */
const SEED = Number(process.env['FIVE_SERVERS_SEED'] ?? 1);
/** Only scenarios with this in their titles. */
const ONLY = process.env['FIVE_SERVERS_ONLY'] ?? '';
/** The file for the table, which is printed else. */
const REPORT = process.env['FIVE_SERVERS_REPORT'];

const isPlayed = ({ title, stepsClocks, isBrief }: Scenario) =>
  title.includes(ONLY) && (canStepClocks || !stepsClocks) && (RUNS > 0 || isBrief);

const guarded = [true, false].map((isProtected) => ({ isProtected, isGuarded: true }));
const unguarded = guarded.map((mode) => ({ ...mode, isGuarded: false }));

function modesOf({ isLateForSure }: Scenario): readonly Mode[] {
  if (RUNS > 0) return [...guarded, ...unguarded];
  return isLateForSure ? [...guarded, unguarded[0]!] : guarded;
}

function plays(): Play[] {
  return Array.from({ length: Math.max(1, RUNS) }, (_, run) =>
    [...SCENARIOS, randomScenario(SEED + run)]
      .filter(isPlayed)
      .flatMap((scenario) => modesOf(scenario).map((mode) => ({ scenario, mode }))),
  ).flat();
}

describe('Five servers and their troubles', () => {
  const all = plays();
  const titles = [...new Set(all.map(({ scenario }) => scenario.title))];
  const played: Played[] = [];

  // Before all tests, so that several run side by side: mostly they wait.
  beforeAll(() => playAll(all, keep), all.length * 60_000);

  function keep(each: Played): void {
    played.push(each);
    if (RUNS === 0) return;
    const { title } = each.scenario;
    process.stdout.write(
      `${played.length} of ${all.length} or more: ${title}${each.failure ? ': failed' : ''}\n`,
    );
  }

  afterAll(() => {
    const table = `${tableOf(titles, played)}\n`;
    if (REPORT) writeFileSync(REPORT, table);
    else if (RUNS > 0) process.stdout.write(`\n${table}\n`);
  });

  describe.each(titles)('%s', (title) => {
    const { coexist, isLateForSure, misleadsTokens } = all.find(
      ({ scenario }) => scenario.title === title,
    )!.scenario;

    /** What was done, and found, where that is so. */
    const cases = (isMeant: (mode: Mode) => boolean, isSo: (found: JournalReport) => boolean) =>
      played
        .filter(({ scenario, mode }) => scenario.title === title && isMeant(mode))
        .flatMap(({ outcome }) => outcome ?? [])
        .filter(({ journal }) => isSo(journal))
        .map(({ journal, history }) => ({ history, journal }));

    it('comes to its end', () => {
      const failures = played.filter(({ scenario }) => scenario.title === title);
      expect(failures.flatMap(({ failure }) => failure ?? [])).toEqual([]);
    });

    it('has the storage accept no late write where it compares tokens', () => {
      const accepts = ({ stale }: JournalReport) => stale.accepted.length > 0;
      expect(cases(({ isGuarded }) => isGuarded, accepts)).toEqual([]);
    });

    const areWrong = ({ tokens, wronglyRefused }: JournalReport) =>
      tokens.repeated.length + tokens.wrong.length + wronglyRefused.length > 0;

    it('leaves tokens unique and in order, and nobody refused who should not be', () => {
      expect(cases(({ isProtected }) => isProtected, areWrong)).toEqual([]);
    });

    if (misleadsTokens) {
      it('has tokens go back with the protections off', () => {
        expect(cases(({ isProtected }) => !isProtected, areWrong)).not.toEqual([]);
      });
    }

    for (const state of ['on', 'off'] as const) {
      const coexistences = () =>
        cases(
          ({ isProtected }) => isProtected === (state === 'on'),
          (found) => found.coexistences.length > 0,
        );
      if (coexist[state] === false) {
        it(`lets nobody hold beside another with the protections ${state}`, () => {
          expect(coexistences()).toEqual([]);
        });
      }
      if (coexist[state] === true) {
        it(`cannot keep two from holding at the same time with the protections ${state}`, () => {
          expect(coexistences()).not.toEqual([]);
        });
      }
    }

    if (isLateForSure) {
      it('has late writes, which a storage without a guard accepts', () => {
        const refuses = ({ stale }: JournalReport) => stale.refused.length === 0;
        expect(cases(({ isGuarded }) => isGuarded, refuses)).toEqual([]);
        const accepts = ({ stale }: JournalReport) => stale.accepted.length === 0;
        expect(cases(({ isGuarded }) => !isGuarded, accepts)).toEqual([]);
      });
    }
  });
});
