import { byName, type Window } from './call.js';
import type { Violation } from './violation.js';

/** Tokens of a name are given once, and are higher than every one that was there when they were asked for. */
export function findWrongTokens(windows: readonly Window[]): Violation[] {
  const found: Violation[] = [];
  const fenced = windows.filter(({ kind, token }) => kind === 'lock' && token !== undefined);
  for (const [name, same] of byName(fenced)) {
    const first = new Map<number, Window>();
    for (const window of same) {
      const { from } = window;
      const token = window.token!;
      const before = first.get(token);
      const tell = (text: string) =>
        found.push({ kind: 'token order', name, text, from, to: from, ms: 0 });
      if (before) tell(`${before.id} and ${window.id} both had token ${token} of "${name}"`);
      else first.set(token, window);
    }
    // The highest of those that were granted before each question.
    const asked = [...same].sort((a, b) => a.invokedAt - b.invokedAt);
    let next = 0;
    let highest: Window | undefined;
    for (const window of asked) {
      for (; next < same.length && same[next]!.from < window.invokedAt; next++) {
        if (same[next]!.token! > (highest?.token ?? 0)) highest = same[next]!;
      }
      if (!highest || window.token! > highest.token!) continue;
      const text = `${window.id} asked for "${name}" after ${highest.id} had token ${highest.token}, and got ${window.token}`;
      found.push({ kind: 'token order', name, text, from: highest.from, to: window.from, ms: 0 });
    }
  }
  return found;
}
