import { AuthorityClient } from './authority-client.ts';
import { Child } from './child.ts';
import type { Display } from './display.ts';

/** The tax authority's process. Its Postgres takes seconds to begin, so that one serves all runs. */
export interface Authority {
  readonly client: AuthorityClient;
  /** Rejects when it ends although nobody asked it to. */
  readonly crashed: Promise<never>;
  readonly end: () => Promise<void>;
}

export async function startAuthority(display: Display): Promise<Authority> {
  const child = new Child({
    name: 'authority',
    script: 'authority/authority.main.js',
    env: {},
    onOutput: (line) => display.output('authority', line),
  });
  const { url } = await child.says('listening');
  return { client: new AuthorityClient(url), crashed: child.crashed, end: () => child.end() };
}
