import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { monitoringFile, promtool } from '../support/prometheus.js';

const RULES = monitoringFile('prometheus-rules.yml');
const CASES = fileURLToPath(new URL('fixtures/prometheus-rules.test.yml', import.meta.url));

describe('the alert rules', () => {
  it('are rules', async () => {
    expect(await promtool('check', 'rules', RULES)).toMatch(/SUCCESS: \d+ rules found/);
  });

  it('fire when they should, and not before', async () => {
    expect(await promtool('test', 'rules', CASES)).toContain('SUCCESS');
  });

  it('have a case each', () => {
    const names = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map(
      ([, name]) => name,
    );
    const cases = readFileSync(CASES, 'utf8');
    expect(names.filter((name) => !cases.includes(`alertname: ${name}`))).toEqual([]);
  });
});
