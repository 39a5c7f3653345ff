import { readFileSync } from 'node:fs';

const PAGE = new URL('../../docs/considerations.md', import.meta.url);

/** The commands that the documentation says the module needs on one server, as ACL rules. */
export function documentedRights(): string[] {
  // Of two words are those of a Cluster, and what checks may do without.
  return documented().filter((rule) => !/\+(spublish|ssubscribe|asking)$|\|/.test(rule));
}

/** The same for each node of a Cluster. */
export function documentedClusterRights(): string[] {
  const inTheirPlace = /\+(publish|subscribe|select)$|\+config\|/;
  return documented().filter((rule) => !inTheirPlace.test(rule));
}

function documented(): string[] {
  const page = readFileSync(PAGE, 'utf8');
  const [section = ''] = page.split('## Permissions')[1]!.split('\n## ');
  const names = [...section.matchAll(/`([A-Z]{3,}(?: [A-Z]+)?)`/g)].map(
    ([, name]) => `+${name!.toLowerCase().replace(' ', '|')}`,
  );
  return [...new Set(names)];
}
