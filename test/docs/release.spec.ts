import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { getFileInfo } from 'prettier';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const text = (path: string) => readFileSync(at(path), 'utf8');

/** The lines of each job of a workflow, by its name. */
function jobsOf(path: string): Map<string, string> {
  const [, jobs = ''] = text(path).split(/^jobs:$/m);
  const parts = jobs.split(/^ {2}([\w-]+):$/m).slice(1);
  return new Map(
    parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1]!]] : [])),
  );
}

describe('a release', () => {
  const jobs = jobsOf('.github/workflows/release.yml');

  it('is published when the whole of CI has passed on its tag', () => {
    expect(jobs.get('publish')).toContain('needs: [release, ci, pack]');
    expect(jobs.get('ci')).toContain('uses: ./.github/workflows/ci.yml');
    expect(jobs.get('ci')).toContain('ref: ${{ needs.release.outputs.tag }}');
    const called = [...jobsOf('.github/workflows/ci.yml')].filter(([name]) => name !== 'commits');
    expect(called.length).toBeGreaterThan(2);
    for (const [, job] of called) expect(job).toContain('ref: ${{ inputs.ref }}');
  });

  it('gives the right to publish to a job that runs nothing of the project', () => {
    const mayPublish = [...jobs].filter(([, job]) => job.includes('id-token'));
    expect(mayPublish.map(([name]) => name)).toEqual(['publish']);
    const [, publish] = mayPublish[0]!;
    expect(publish).not.toContain('checkout');
    expect([...publish.matchAll(/run: (.*)/g)].map(([, command]) => command)).toEqual([
      'npm publish --provenance --access public --ignore-scripts ./nestjs-locker-*.tgz',
    ]);
    expect(jobs.get('pack')).not.toContain('permissions');
  });

  it('may write its changes in a format of its own', async () => {
    const file = at('CHANGELOG.md');
    expect((await getFileInfo(file, { ignorePath: at('.prettierignore') })).ignored).toBe(true);
  });

  it('finds no changes of a version that was not released', () => {
    const { '.': released } = JSON.parse(text('.release-please-manifest.json')) as { '.'?: string };
    // The heading before which it puts its own.
    const newest = /\n###? v?\[?(\d[^\]\s]*)/.exec(text('CHANGELOG.md'))?.[1];
    expect(newest).toBe(released);
  });
});
