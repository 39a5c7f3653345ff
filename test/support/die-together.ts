import { type ChildProcess, spawn } from 'node:child_process';

/** Waits for a server that tidies up on the first signal; those that got SIGKILL are gone at once. */
const SCRIPT = `
read -r _
kill -s "$1" "$0"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -s 0 "$0" 2>/dev/null || break; sleep 0.2; done
kill -s KILL "$0" 2>/dev/null
rm -rf "$2"`;

/**
 * Ends the server when this process is gone, however it went, and removes its directory. An 'exit'
 * handler would not do: it does not run on a SIGKILL, nor inside jest's copy of `process`.
 *
 * @param signal another one for a server of several processes, which must end the others
 */
export function dieTogether(
  server: ChildProcess,
  directory: string,
  signal: NodeJS.Signals = 'SIGKILL',
): void {
  // It could not be started.
  if (!server.pid) return;
  const args = [String(server.pid), signal.replace('SIG', ''), directory];
  const watcher = spawn('sh', ['-c', SCRIPT, ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Out of the reach of a terminal's Ctrl-C.
    detached: true,
  });
  server.once('exit', () => watcher.kill('SIGKILL'));
}
