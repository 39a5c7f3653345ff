import type { Play, Played } from './play.js';
import type { Outcome } from './stage.js';

const HEAD = [
  'what happens',
  'locks held',
  'two holders: protections on',
  'off',
  'late writes → accepted: guard on',
  'off',
  'wrong tokens: protections on',
  'off',
];

/** What became of every scenario, as a table in Markdown: a line each; and all that was done to them. */
export function tableOf(titles: readonly string[], played: readonly Played[]): string {
  const rows = titles.map((title) => rowOf(title, played));
  const lines = [HEAD, HEAD.map((_, i) => (i === 1 ? '--:' : '---')), ...rows];
  const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const outcomes = played.flatMap(({ outcome }) => outcome ?? []);
  return `${table}\n\nIn ${outcomes.length} runs: ${faultsOf(outcomes)}.`;
}

function rowOf(title: string, played: readonly Played[]): string[] {
  const all = played.filter(({ scenario }) => scenario.title === title);
  const outcomes = (isMeant: (play: Play) => boolean = () => true) =>
    all.filter(isMeant).flatMap(({ outcome }) => outcome ?? []);
  return [
    title,
    `${sum(outcomes(), ({ journal }) => journal.holds)}`,
    coexistencesOf(outcomes(({ mode }) => mode.isProtected)),
    coexistencesOf(outcomes(({ mode }) => !mode.isProtected)),
    lateWritesOf(outcomes(({ mode }) => mode.isGuarded)),
    lateWritesOf(outcomes(({ mode }) => !mode.isGuarded)),
    ...[true, false].map((isProtected) =>
      wrongTokensOf(outcomes(({ mode }) => mode.isProtected === isProtected)),
    ),
  ];
}

function faultsOf(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { faults } of outcomes) {
    for (const [kind, count] of faults) counts.set(kind, (counts.get(kind) ?? 0) + count);
  }
  return [...counts].map(([kind, count]) => `${count} × ${kind}`).join(', ');
}

function coexistencesOf(outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return '';
  const lengths = outcomes.flatMap(({ journal }) => journal.coexistences.map(({ ms }) => ms));
  const runs = outcomes.filter(({ journal }) => journal.coexistences.length > 0).length;
  if (runs === 0) return `0 of ${outcomes.length}`;
  return `${runs} of ${outcomes.length}, up to ${Math.round(Math.max(...lengths))} ms`;
}

function lateWritesOf(outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return '';
  const accepted = sum(outcomes, ({ journal }) => journal.stale.accepted.length);
  const refused = sum(outcomes, ({ journal }) => journal.stale.refused.length);
  return `${accepted + refused} → ${accepted}`;
}

const wrongTokensOf = (outcomes: readonly Outcome[]): string =>
  `${sum(outcomes, ({ journal: { tokens } }) => tokens.repeated.length + tokens.wrong.length)}`;

const sum = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number =>
  outcomes.reduce((total, outcome) => total + of(outcome), 0);
