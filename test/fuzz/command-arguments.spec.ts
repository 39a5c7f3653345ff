import assert from 'node:assert/strict';
import { afterAll, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { CommanderError } from 'commander';
import fc from 'fast-check';
import { CommandError, toCommandError } from '../../lib/cli/exit.js';
import { runProgram } from '../../lib/cli/program.js';
import type { Terminal } from '../../lib/cli/terminal.js';
import { RedisServer } from '../support/redis-server.js';
import { lockService } from '../support/lock-service.js';
import { anyText, nastyText, runs } from './support/fuzzing.js';

/** A terminal would go on in red. */
const OBEYED = '\u001b[31mred';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

let written: string;
beforeEach(() => {
  written = '';
  // Commander tells there what is wrong.
  const keep = (text: unknown) => Boolean((written += String(text)));
  jest.spyOn(process.stderr, 'write').mockImplementation(keep);
  jest.spyOn(process.stdout, 'write').mockImplementation(keep);
});

const terminal: Terminal = {
  isTTY: false,
  rows: 24,
  columns: 80,
  write: (text) => void (written += text),
  line: (text = '') => void (written += `${text}\n`),
  note: (text) => void (written += `${text}\n`),
  paint: (_, text) => text,
};

const text = fc.oneof(
  nastyText(),
  anyText(),
  fc.constantFrom('', 'a', '*', '[', '(?', '\\', '0', '-1', '1e9', 'NaN', '50', '--', '-'),
);
/** None leads anywhere but to this machine. */
const target = () =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(['--redis', server.url]) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(
          '',
          ':',
          'redis://',
          'redis://[',
          'redis://:%zz@127.0.0.1:1',
          'http://127.0.0.1:1',
          'redis://127.0.0.1:99999',
          'redis://127.0.0.1:1',
          'redis://127.0.0.1:1/x',
        )
        .map((url) => ['--redis', url]),
    },
  );
const option = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      '--search',
      '--limit',
      '--token',
      '--kind',
      '--prefix',
      '--interval',
      '--sentinel',
    ),
    text,
  ),
  fc.tuple(
    fc.constantFrom('--kind', '--token', '--limit'),
    fc.constantFrom('lock', 'semaphore', '1', '9007199254740993'),
  ),
  fc.constantFrom(['--json'], ['--cluster'], ['--yes'], ['--help'], ['--version']),
  text.map((unknown) => [`--${unknown}`]),
);
const command = fc.oneof(
  fc.tuple(fc.constantFrom('inspect', 'release'), text),
  fc.constantFrom(['list'], ['watch'], ['doctor'], ['inspect'], ['help'], []),
  text.map((unknown) => [unknown]),
);

it('arguments of whatever kind end with a code, or with what is wrong with them', async () => {
  await (await lockService({ redis: server.url, reports: '100ms' })).acquire(OBEYED);
  const property = fc.asyncProperty(
    target(),
    command,
    fc.array(option, { maxLength: 3 }),
    async (where, what, options) => {
      // Too late for an answer of a server that is gone is soon.
      const args = [...what, ...options.flat(), ...where, '--timeout', '300ms'];
      try {
        const stopped = AbortSignal.abort();
        expect([0, 1, 2]).toContain(
          await runProgram(args, { terminal, version: '1.2.3', stopped }),
        );
      } catch (error) {
        assert(error instanceof CommanderError || toCommandError(error) instanceof CommandError);
      }
      // A name never commands the terminal.
      expect(written).not.toContain(OBEYED);
    },
  );
  await fc.assert(property, runs(150));
});
