import { readFileSync } from 'node:fs';

const PAGE = new URL('../../docs/considerations.md', import.meta.url);

/** The commands that the documentation says the module needs on one server, as ACL rules. */
export function documentedRights(): string[] {
  const page = readFileSync(PAGE, 'utf8');
  const section = page.slice(page.indexOf('## Permissions'));
  const names = [...section.matchAll(/`([A-Z]{3,})`/g)].map(
    ([, name]) => `+${name!.toLowerCase()}`,
  );
  return [...new Set(names)].filter((name) => !/spublish|ssubscribe/.test(name));
}
