import { printable } from '../core/printable.js';
import { checkLockName } from '../core/lock-name.js';
import type { NameKind } from '../stores/lock-store.interface.js';
import { EXIT, type ExitCode } from './exit.js';
import { holderTable, type NamedRecord, toJson, who } from './names.js';
import type { Target } from './target.js';
import { type Terminal } from './terminal.js';

export interface InspectOptions {
  readonly kind?: NameKind;
  readonly json?: true;
}

/** Who holds a name, and who waits for it; of both kinds unless one is named. */
export async function inspect(
  { client, overview }: Target,
  terminal: Terminal,
  name: string,
  { kind, json }: InspectOptions,
): Promise<ExitCode> {
  checkLockName(name);
  // Over several nodes there are no semaphores.
  const both: readonly NameKind[] = client.limits.semaphores ? ['lock'] : ['lock', 'semaphore'];
  const kinds = kind ? [kind] : both;
  const all = await Promise.all(
    kinds.map(async (each): Promise<NamedRecord> => {
      const subject = { name, kind: each };
      return { ...subject, ...(await client.inspect(subject)) };
    }),
  );
  const known = all.filter(({ holders, waiting }) => holders.length + waiting > 0);
  const shown = known.length > 0 ? known : all.slice(0, 1);
  for (const record of shown) {
    const queue = record.waiting > 0 ? await overview.queueOf(record) : [];
    const now = Date.now();
    if (json) {
      terminal.line(JSON.stringify(toJson(record, now, queue)));
      continue;
    }
    if (record.holders.length === 0) terminal.line(`Nobody holds "${printable(name)}".`);
    else for (const line of holderTable([record], now)) terminal.line(line);
    queue.forEach((waiter, i) =>
      terminal.line(`${i === 0 ? '\nQueue:\n' : ''}${i + 1}. ${who(waiter.holder)}`),
    );
  }
  return shown.some(({ holders }) => holders.length > 0) ? EXIT.done : EXIT.no;
}
