import { describe, expect, it } from '@jest/globals';
import * as nodeLua from '../quorum/lua.js';
import * as lua from './lua.js';
import { NODE_SCRIPT_TRIALS, SCRIPT_TRIALS } from './needed-rights.js';

/** The commands that stand in scripts; those that tell somebody are named by the client. */
function commandsOf(scripts: Readonly<Record<string, string>>): Set<string> {
  const sources = Object.values(scripts).join('\n');
  return new Set([...sources.matchAll(/\bp?call\('([A-Z]+)'/g)].map(([, command]) => command!));
}

describe.each([
  { what: 'one deployment', scripts: lua, trials: SCRIPT_TRIALS },
  { what: 'a node', scripts: nodeLua, trials: NODE_SCRIPT_TRIALS },
])('the rights that are tried on $what', ({ scripts, trials }) => {
  it('are those that its scripts need', () => {
    const tried = [...trials.map(([command]) => command), 'DEL', 'PUBLISH'];
    const needed = [...commandsOf({ ...scripts }), 'DEL', 'PUBLISH'];
    expect([...new Set(tried)].sort()).toEqual([...new Set(needed)].sort());
  });
});
