#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { CommandError, EXIT, toCommandError } from './exit.js';
import { runProgram } from './program.js';
import { terminalOf } from './terminal.js';

const INTERRUPTED = 130;

const { version } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string };

const stop = new AbortController();
process.on('SIGINT', () => {
  // The ordinary end of watch; everything else stops at once, and so does watch the second time.
  if (process.argv.includes('watch') && !stop.signal.aborted) stop.abort();
  else process.exit(INTERRUPTED);
});
process.on('SIGTERM', () => process.exit(143));
// Whoever reads has seen enough: `list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.failed),
);

const terminal = terminalOf();
try {
  process.exitCode = await runProgram(process.argv.slice(2), {
    terminal,
    version,
    stopped: stop.signal,
  });
} catch (thrown) {
  process.exitCode = exitCodeOf(thrown);
}

/** Commander has told its errors already. */
function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.failed;
  const error = toCommandError(thrown);
  if (error instanceof CommandError) {
    terminal.note(`nestjs-locker: ${error.message}`);
    return error.code;
  }
  terminal.note(error.stack ?? String(error));
  return EXIT.failed;
}
