// node test/model/check.mjs [--deep] [variant…]     checks the model; all variants if none is named
// node test/model/check.mjs --trail <variant>       prints the shortest way to what is wrong with it
//
// Every variant is searched to its end, or until what is expected has been found. --deep adds variants with
// larger bounds, which take minutes.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { C_COMPILER, findOrInstallServer, SPIN } from '../../scripts/server-binary.mjs';

const MODEL = fileURLToPath(new URL('redlock.pml', import.meta.url));
const MOST_MEGABYTES = 3_500;
const MOST_DEPTH = 100_000;

/** What a violated assertion of the model says; the text is Spin's. */
const FINDINGS = {
  'holders==0': 'two holders',
  'token!=watched': 'a token twice',
  'token>watched': 'a smaller token later',
  'holdings<': 'reached',
  loser: 'reached',
};
const HOLDS = 'holds';
const TWICE = FINDINGS['token!=watched'];
const TWO = FINDINGS['holders==0'];
const REACHED = 'reached';

const EXCLUSION = ['EXCLUSION', 'LEASES_LAST'];
const RESTARTS = ['RESTARTS'];
const sized = (clients, tokens) => [`CLIENTS=${clients}`, `TOKENS=${tokens}`];
/** Wrong rules are told from the right ones within smaller bounds already. */
const SMALL = sized(2, 3);
const SMALLER = sized(2, 2);

const VARIANTS = {
  // The rules.
  tokens: [HOLDS, sized(2, 4)],
  'tokens-three-clients': [HOLDS, sized(3, 3)],
  'tokens-unsorted': [HOLDS, SMALL, 'UNSORTED'],
  'tokens-restarts': [HOLDS, sized(2, 4), RESTARTS],
  exclusion: [HOLDS, sized(3, 4), EXCLUSION],
  'exclusion-restarts': [HOLDS, sized(3, 4), EXCLUSION, RESTARTS],

  // Each wrong one.
  'no-write-back': [TWICE, SMALL, 'NO_WRITE_BACK'],
  'mixed-answers': [TWICE, SMALL, 'MIXED_ANSWERS'],
  'unconditional-write-back': [TWICE, SMALL, 'UNCONDITIONAL_WRITE_BACK'],
  'write-back-by-owner': [TWICE, SMALL, 'WRITE_BACK_BY_OWNER'],
  'leases-end-early': [TWO, SMALL, 'EXCLUSION'],
  'no-restart-rule': [TWICE, SMALLER, RESTARTS, 'NO_RESTART_RULE'],
  'no-restart-rule-exclusion': [TWO, SMALLER, EXCLUSION, RESTARTS, 'NO_RESTART_RULE'],
  'no-delay': [TWICE, SMALLER, RESTARTS, 'NO_DELAY'],
  'no-delay-exclusion': [TWO, SMALLER, EXCLUSION, RESTARTS, 'NO_DELAY'],
  'no-catch-up': [TWICE, SMALLER, RESTARTS, 'NO_CATCH_UP'],
  'no-catch-up-exclusion': [HOLDS, SMALL, EXCLUSION, RESTARTS, 'NO_CATCH_UP'],
  'catch-up-before-delay': [TWICE, SMALLER, RESTARTS, 'CATCH_UP_BEFORE_DELAY'],
  'catch-up-from-one': [TWICE, SMALLER, RESTARTS, 'CATCH_UP_FROM_ONE'],

  // What has to be possible, so that what holds does not hold for want of cases.
  'as-many-holdings-as-tokens': [REACHED, SMALL, 'REACH_HOLDINGS'],
  'held-over-a-restart': [REACHED, SMALLER, EXCLUSION, RESTARTS, 'REACH_RENEWED'],
};
const DEEP = {
  'tokens-deep': [HOLDS, sized(2, 5)],
  'tokens-restarts-three-clients': [HOLDS, sized(3, 3), RESTARTS],
};

const run = promisify(execFile);

class Checker {
  directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-model-'));

  constructor(spin, compiler) {
    this.spin = spin;
    this.compiler = compiler;
    copyFileSync(MODEL, join(this.directory, 'redlock.pml'));
  }

  async check([expected, ...flags], { isTrail } = {}) {
    // The shortest counterexample is found breadth first; its nodes keep their names if they are not sorted.
    const isShortest = expected !== HOLDS || isTrail;
    const defines = [...flags.flat(), ...(isShortest ? ['UNSORTED'] : [])];
    this.defines = [...new Set(defines)].map((name) => `-D${name}`);
    const startedAt = performance.now();
    await this.run(this.spin, ...this.preprocessor, '-a', ...this.defines, 'redlock.pml');
    const modes = [
      'SAFETY',
      'NOREDUCE',
      `MEMLIM=${MOST_MEGABYTES}`,
      ...(isShortest ? ['BFS'] : []),
    ];
    const options = [isShortest ? '-O0' : '-O1', '-w', ...modes.map((mode) => `-D${mode}`)];
    await this.run(this.compiler, ...options, '-o', 'pan', 'pan.c');
    const output = await this.run('./pan', '-b', `-m${MOST_DEPTH}`);
    return { ...this.read(output), seconds: (performance.now() - startedAt) / 1_000 };
  }

  /** The steps of the counterexample that was found last. */
  async trail() {
    const replay = ['-t', '-T', '-B', ...this.defines];
    const output = await this.run(this.spin, ...this.preprocessor, ...replay, 'redlock.pml');
    return output.split('\n').filter((line) => /^\s*(client \d|[ABC][ :]|but )/.test(line));
  }

  read(output) {
    const number = (pattern) => Number(pattern.exec(output)?.[1]);
    const violated = /assertion violated (.*) \(at depth (\d+)\)/.exec(output);
    const states = number(/^ *(\d+) states, stored/m);
    const megabytes = number(/([\d.]+)\s+total actual memory usage/);
    if (violated) {
      const text = Object.keys(FINDINGS).find((each) => violated[1].includes(each));
      // The first steps start the processes: three nodes, and the clients.
      const clients = Number(/CLIENTS=(\d)/.exec(this.defines.join(' '))[1]);
      const steps = Number(violated[2]) + 1 - 3 - clients;
      return { found: text ? FINDINGS[text] : violated[1], states, megabytes, steps };
    }
    const isComplete =
      /errors: 0$/m.test(output) && !/not completed|too small|out of memory|aborting/i.test(output);
    return { found: isComplete ? HOLDS : `not searched to its end:\n${output}`, states, megabytes };
  }

  /** Spin takes gcc for granted. */
  get preprocessor() {
    return [`-P${this.compiler} -E -x c`];
  }

  async run(file, ...args) {
    const options = { cwd: this.directory, maxBuffer: 2 ** 26, signal: interruption.signal };
    const { stdout } = await run(file, args, options);
    return stdout;
  }

  end() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const interruption = new AbortController();
// Ctrl-C may come twice, from the terminal and from npm.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => interruption.abort());

const printTrail = async (checker, name, variant) => {
  const { found, steps } = await checker.check(variant, { isTrail: true });
  if (steps === undefined) return console.log(`${name}: ${found}`);
  for (const line of await checker.trail()) console.log(line);
  console.log(`${name}: ${found}, after ${steps} steps`);
};

const row = (name, expected, found, states, steps, seconds, megabytes) =>
  [
    name.padEnd(30),
    expected.padEnd(14),
    found.padEnd(14),
    states.padStart(11),
    steps.padStart(6),
    seconds.padStart(8),
    megabytes.padStart(6),
  ].join(' ');

const printTable = async (checker, variants) => {
  console.log(row('variant', 'expected', 'found', 'states', 'steps', 'seconds', 'MB'));
  const startedAt = performance.now();
  const wrong = [];
  for (const [name, variant] of variants) {
    const [expected] = variant;
    const { found, states, steps, seconds, megabytes } = await checker.check(variant);
    const numbers = [
      states.toLocaleString('en'),
      steps === undefined ? '' : String(steps),
      seconds.toFixed(1),
      megabytes.toFixed(0),
    ];
    console.log(row(name, expected, found, ...numbers));
    if (found !== expected) wrong.push(name);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  if (wrong.length === 0)
    return console.log(`All ${variants.length} as expected, in ${seconds} s.`);
  console.log(`Not as expected: ${wrong.join(', ')}`);
  process.exitCode = 1;
};

const main = async () => {
  const { values, positionals } = parseArgs({
    options: { deep: { type: 'boolean' }, trail: { type: 'string' } },
    allowPositionals: true,
  });
  const all = { ...VARIANTS, ...DEEP };
  for (const name of [...positionals, values.trail ?? 'tokens']) {
    if (!all[name])
      throw new Error(`There is no variant ${name}; there are ${Object.keys(all).join(', ')}.`);
  }
  const spin = findOrInstallServer(SPIN);
  const version = await run(spin, ['-V']).catch(() => undefined);
  if (!version?.stdout.startsWith('Spin Version 6')) {
    throw new Error(`${spin} is not what is needed.\n${SPIN.help}`);
  }
  const checker = new Checker(spin, findOrInstallServer(C_COMPILER));
  try {
    if (values.trail) return await printTrail(checker, values.trail, all[values.trail]);
    const names = positionals.length > 0 ? positionals : Object.keys(values.deep ? all : VARIANTS);
    await printTable(
      checker,
      names.map((name) => [name, all[name]]),
    );
  } finally {
    checker.end();
  }
};

try {
  await main();
} catch (error) {
  // Spin tells what is wrong with a model on its standard output.
  const told = [error.message, error.stdout, error.stderr].filter(Boolean).join('\n');
  console.error(interruption.signal.aborted ? 'Interrupted.' : told);
  process.exitCode = 1;
}
