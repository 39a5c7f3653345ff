import { printable } from '../core/printable.js';
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { checkLockName } from '../core/lock-name.js';
import type { LeaseRecord, NameKind } from '../stores/lock-store.interface.js';
import { CommandError, EXIT, type ExitCode } from './exit.js';
import { wholeNumber } from './list.js';
import { who } from './names.js';
import type { Target } from './target.js';
import { type Terminal } from './terminal.js';

export interface ReleaseOptions {
  readonly token: string;
  readonly kind: NameKind;
  readonly yes?: true;
  readonly json?: true;
}

/** Takes a name from the holder with that token, and nobody else. */
export async function release(
  { client, overview }: Target,
  terminal: Terminal,
  name: string,
  { token, kind, yes, json }: ReleaseOptions,
): Promise<ExitCode> {
  const subject = { name: checkLockName(name), kind };
  const fencingToken = wholeNumber(token, '--token', Number.MAX_SAFE_INTEGER);
  const { holders } = await client.inspect(subject);
  const holder = holders.find((each) => each.fencingToken === fencingToken);
  if (!holder) return refuse(terminal, name, holders, fencingToken, json);
  if (!yes) await confirm(terminal, name, holder);

  const [released] = await client.forceRelease(subject, fencingToken);
  if (!released) return refuse(terminal, name, [], fencingToken, json);
  const actor = userName();
  // The locks are released, whoever may not write of it.
  await overview
    .audit({
      type: 'forced',
      name,
      text: `"${name}" was released by command; ${who(released.holder)} held it.`,
      actor,
    })
    .catch(() => undefined);
  if (json) {
    const { since, remainingMs, holder: former } = released;
    const record = { name, kind, released: true, ...former, fencingToken };
    terminal.line(JSON.stringify({ ...record, since: since.toISOString(), remainingMs }));
  } else {
    terminal.line(
      `Released "${printable(name)}": ${who(released.holder)} had held it since ${released.since.toISOString()}. ` +
        'It learns so with its next renewal at the latest; until then it may still be at work.',
    );
  }
  return EXIT.done;
}

function refuse(
  terminal: Terminal,
  name: string,
  holders: readonly LeaseRecord[],
  fencingToken: number,
  json: true | undefined,
): ExitCode {
  if (json) {
    terminal.line(JSON.stringify({ name, released: false, fencingToken }));
    return EXIT.no;
  }
  const others = holders.map(
    ({ holder, fencingToken: token }) => `${who(holder)} with token ${token}`,
  );
  const told = others.length > 0 ? `held by ${others.join(', ')}` : 'free';
  terminal.note(
    `Nothing is released: "${printable(name)}" is not held with token ${fencingToken}, it is ${told}.`,
  );
  return EXIT.no;
}

/** @throws CommandError unless somebody types the name */
async function confirm(terminal: Terminal, name: string, { holder }: LeaseRecord): Promise<void> {
  if (!terminal.isTTY || !process.stdin.isTTY) {
    throw new CommandError('Nobody is there to ask: write --yes to release without a question.');
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  terminal.note(`${who(holder)} holds it, and may be at work. Somebody else will get it at once.`);
  // Ctrl-C at the question is an answer, too.
  const typed = await new Promise<string>((resolve) => {
    lines.once('close', () => resolve(''));
    lines.question('Type the name to release it: ').then(resolve, () => resolve(''));
  });
  lines.close();
  if (typed !== name) throw new CommandError('That is not the name: nothing is released.', EXIT.no);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown'; // a container's user need not have a name
  }
}
