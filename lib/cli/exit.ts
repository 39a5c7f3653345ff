import { LockError, LockStoreError } from '../lock.errors.js';
import { errorFrom } from '../core/within.js';
import { explainError } from '../monitoring/checks/explain-error.js';

/** How the command ends; documented in docs/command.md. */
export const EXIT = {
  /** It is done; `doctor`: there is nothing to change. */
  done: 0,
  /** Nobody holds it, nothing was released; `doctor`: something should be changed. */
  no: 1,
  /** Wrong options, or the server is out of reach; `doctor`: locks cannot be had. */
  failed: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What whoever typed the command can mend: told without a stack. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly code: ExitCode = EXIT.failed,
  ) {
    super(message);
  }
}

/** An error in the words of the command line; as it is, if it is a fault of the program. */
export function toCommandError(thrown: unknown): Error {
  const error = errorFrom(thrown);
  if (error instanceof CommandError) return error;
  if (!(error instanceof LockError)) return error;
  if (!(error instanceof LockStoreError)) return new CommandError(inOptions(error.message));
  const [, store = 'Redis'] = /^The lock store \((.*?)\) could not/.exec(error.message) ?? [];
  const cause = error.cause instanceof Error ? error.cause : new Error(error.message);
  const { text, advice } = explainError(cause);
  return new CommandError(`${store} ${text}. ${advice}\n(${cause.message})`);
}

/** The module's options have other names here. */
function inOptions(message: string): string {
  return message
    .replace(/LockModule option "(?:redis|nodes(?:\[\d+\])?)"/, '--redis')
    .replace(/LockModule option "prefix"/, '--prefix')
    .replace(/LockModule options?:? ?/, '');
}
