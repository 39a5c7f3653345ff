import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import type { Summary } from '../evidence/report/summary.js';

jest.setTimeout(300_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A few of `npm run faults`, of the sources as they are. */
async function runFaults(...faults: string[]): Promise<Summary[]> {
  const json = join(directory, 'summaries.json');
  const program = ['--import', './test/evidence/register.mjs', 'test/evidence/faults.ts'];
  const options = ['--only', faults.join(','), '--library', 'nestjs-locker', '--seconds', '4'];
  await promisify(execFile)(process.execPath, [...program, ...options, '--json', json], {
    cwd: ROOT,
    env: { ...process.env, EVIDENCE_OF: 'source', NODE_OPTIONS: '' },
  });
  return JSON.parse(readFileSync(json, 'utf8')) as Summary[];
}

describe('processes of real clients under faults', () => {
  it('keep the contract, and find their locks again', async () => {
    const faults = ['client-killed', 'client-stopped', 'flushall', 'subscriber-killed'];
    const summaries = await runFaults(...faults);
    expect(summaries.map(({ fault }) => fault)).toEqual(faults);
    for (const summary of summaries) {
      expect(summary).toMatchObject({ within: 0, neverRecovered: false });
      expect(summary.times).toBeGreaterThan(0);
      expect(summary.granted).toBeGreaterThan(20);
    }
  });
});
