import { Command, Option } from 'commander';
import { doctor } from './doctor.js';
import { EXIT, type ExitCode } from './exit.js';
import { inspect, type InspectOptions } from './inspect.js';
import { list, type ListOptions } from './list.js';
import { release, type ReleaseOptions } from './release.js';
import { openTarget, type Target, type TargetOptions } from './target.js';
import type { Terminal } from './terminal.js';
import { watch, type WatchOptions } from './watch.js';

/** What the program needs of the process. */
export interface ProgramTools {
  readonly terminal: Terminal;
  readonly version: string;
  /** Ends `watch`. */
  readonly stopped: AbortSignal;
}

const EXIT_CODES = `
Exit codes:
  0  done; doctor: there is nothing to change
  1  nobody holds it, nothing was released; doctor: something should be changed
  2  wrong options, or the server is out of reach; doctor: locks cannot be had

Without --redis, the environment's REDIS_URL is used, else redis://localhost:6379. A password that is not in the URL
comes from REDIS_PASSWORD, with REDIS_USERNAME.`;

/** Parses the arguments and does what they say; resolves with the exit code. */
export async function runProgram(args: readonly string[], tools: ProgramTools): Promise<ExitCode> {
  const { terminal, version, stopped } = tools;
  let code: ExitCode = EXIT.done;
  const within = async (
    options: TargetOptions,
    work: (target: Target) => Promise<ExitCode>,
    toleratesOutage = false,
  ): Promise<void> => {
    const target = await openTarget(options, { toleratesOutage });
    try {
      code = await work(target);
    } finally {
      await target.close();
    }
  };

  const program = new Command('nestjs-locker')
    .description('Looks at locks in Redis, and at whether Redis is fit for them.')
    .version(version)
    .option(
      '--redis <url>',
      'the server, or a node of the Cluster, or a Sentinel; several are the nodes of a quorum',
      (url: string, urls: readonly string[] | undefined) => [...(urls ?? []), url],
    )
    .option('--cluster', 'it is a Redis Cluster')
    .option('--sentinel <group>', 'they are the Sentinels of this group')
    .option('--prefix <text>', "the module's option of that name", 'lock')
    .option('--timeout <duration>', 'how long to wait for an answer', '2s')
    .option('--json', 'one JSON object a line')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
    .showHelpAfterError('(--help tells what there is)');
  const kind = new Option('--kind <kind>', 'locks or semaphores only').choices([
    'lock',
    'semaphore',
  ]);

  program
    .command('inspect <name>')
    .description('who holds a name, with which token, and who waits for it')
    .addOption(kind)
    .action((name: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<TargetOptions & InspectOptions>();
      return within(options, (target) => inspect(target, terminal, name, options));
    });

  program
    .command('list')
    .description(
      'what is held, the longest held first; for less than about a second it may be missing',
    )
    .option('--search <text>', 'a part of the name; with * and ?, all of it')
    .addOption(kind)
    .option('--limit <count>', 'how many at most', '50')
    .action((_: unknown, command: Command) => {
      const options = command.optsWithGlobals<TargetOptions & ListOptions>();
      return within(options, (target) => list(target, terminal, options));
    });

  program
    .command('watch')
    .description(
      'the same, again and again; one line for each change where the output is no terminal',
    )
    .option('--search <text>', 'a part of the name; with * and ?, all of it')
    .addOption(kind)
    .option('--limit <count>', 'how many at most', '500')
    .option('--interval <duration>', 'how often to look', '1s')
    .action((_: unknown, command: Command) => {
      const options = command.optsWithGlobals<TargetOptions & WatchOptions>();
      return within(options, (target) => watch(target, terminal, options, stopped));
    });

  program
    .command('release <name>')
    .description('takes a name from its holder, which may still be at work')
    .requiredOption(
      '--token <token>',
      "the holder's, as inspect shows it: of anybody else it is not taken",
    )
    .addOption(new Option('--kind <kind>').choices(['lock', 'semaphore']).default('lock'))
    .option('--yes', 'do not ask')
    .action((name: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<TargetOptions & ReleaseOptions>();
      return within(options, (target) => release(target, terminal, name, options));
    });

  program
    .command('doctor')
    .description(
      'looks at version, eviction, persistence, clock, permissions and messages, and says what to change',
    )
    .action((_: unknown, command: Command) => {
      const options = command.optsWithGlobals<TargetOptions>();
      return within(options, (target) => doctor(target, terminal, options), true);
    });

  await program.parseAsync(args, { from: 'user' });
  return code;
}
