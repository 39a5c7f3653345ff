import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { EXIT } from '../../../lib/cli/exit.js';
import { runProgram } from '../../../lib/cli/program.js';
import { type Block, read, ROOT } from './markdown.js';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(read('package.json')) as Manifest;

/** What the project does not bring along, and readers know. */
const OF_OTHERS = ['apt', 'cd', 'curl', 'docker', 'export', 'git', 'mkdir', 'redis-cli', 'sudo'];

/** What is wrong with the commands of a block: scripts, packages, options and files that are not there. */
export async function problemsOfCommands(block: Block, redisUrl: string): Promise<string[]> {
  const lines = block.text.split('\n').map((text, index) => ({ text, at: block.line + index }));
  const isTranscript = block.language === 'console';
  const typed = isTranscript ? lines.filter(({ text }) => text.startsWith('$ ')) : lines;
  const problems: string[] = [];
  if (typed.length === 0) problems.push(`${block.file}:${block.line}: no command`);
  for (const { text, at } of typed) {
    for (const command of commandsOf(text)) {
      const problem = await problemOf(command, redisUrl);
      if (problem) problems.push(`${block.file}:${at}: ${problem}`);
    }
  }
  return problems;
}

function commandsOf(line: string): string[][] {
  const text = line.replace(/^\$ /, '').replace(/\s+#.*/, '');
  return text
    .split(/&&|\|/)
    .map((command) => command.trim().split(/\s+/))
    .map((words) => words.filter((word, at) => at > 0 || !/^[A-Z_]+=/.test(word)))
    .filter(([first]) => first);
}

async function problemOf(words: readonly string[], redisUrl: string): Promise<string | undefined> {
  const [program = '', first = '', ...rest] = words;
  if (/^[A-Z_]+=/.test(program)) return problemOf(words.slice(1), redisUrl);
  if (program === 'npm') return problemOfNpm(first, rest);
  if (program === 'npx' && first === 'nestjs-locker') return problemOfCommand(rest, redisUrl);
  if (program === 'npx' && first === '@nestjs/cli@latest') return undefined;
  if (program === 'nest') return problemOfNest(first, rest);
  if (program === 'node') return existsSync(join(ROOT, first)) ? undefined : `no file ${first}`;
  if (program === 'cp') {
    const path = first.replace('node_modules/nestjs-locker/', '');
    return existsSync(join(ROOT, path)) ? undefined : `no file ${path}`;
  }
  if (program === 'tee' || OF_OTHERS.includes(program)) return undefined;
  return `"${program}" is no command that is known here`;
}

function problemOfNest(verb: string, rest: readonly string[]): string | undefined {
  const isOurs = verb === 'add' && rest[0] === 'nestjs-locker' && 'schematics' in manifest;
  return isOurs ? undefined : `nest ${verb} is nothing that is known here`;
}

function problemOfNpm(verb: string, rest: readonly string[]): string | undefined {
  if (verb === 'start' || verb === 'test') return verb in manifest.scripts ? undefined : verb;
  if (verb === 'run') {
    return rest[0]! in manifest.scripts ? undefined : `no script "${rest[0]}"`;
  }
  if (verb !== 'install') return `npm ${verb} is nothing that is known here`;
  const known = { ...manifest.peerDependencies, ...manifest.devDependencies };
  const unknown = rest
    .filter((name) => !name.startsWith('-'))
    .filter((name) => name !== 'nestjs-locker' && !(name in known));
  return unknown.length > 0 ? `nobody here uses ${unknown.join(', ')}` : undefined;
}

/** Runs it, on a Redis where there is nothing to find. */
async function problemOfCommand(
  args: readonly string[],
  redisUrl: string,
): Promise<string | undefined> {
  const notes: string[] = [];
  const terminal = {
    isTTY: false,
    rows: 24,
    columns: 100,
    write: () => {},
    line: () => {},
    note: (text: string) => void notes.push(text),
    paint: (_: unknown, text: string) => text,
  };
  const problem = (why: string): string => `nestjs-locker ${args.join(' ')}: ${why}`;
  try {
    const tools = { terminal, version: '0', stopped: AbortSignal.abort() };
    const code = await runProgram([...args, '--redis', redisUrl], tools);
    return code === EXIT.failed ? problem(notes.join(' ')) : undefined;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined; // --help
    return problem((error as Error).message);
  }
}
