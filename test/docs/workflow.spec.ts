import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('the workflow runs the lines of the matrix that npm run matrix has, each on its Node and server', async () => {
  const cellsFile = new URL('../../scripts/matrix/cells.mjs', import.meta.url).href;
  const { CELLS, idOf } = (await import(cellsFile)) as {
    CELLS: { node: string; server: string }[];
    idOf: (cell: object) => string;
  };
  const IMAGES: Record<string, string> = {
    'Redis 6.2': 'redis:6.2',
    'Redis 7': 'redis:7',
    'Redis 8': 'redis:8',
    'Valkey 8': 'valkey/valkey:8',
  };
  const line = /- \{ node: (\d+), image: '([^']+)', only: '([^']+)' \}/g;
  const listed = [...text('.github/workflows/ci.yml').matchAll(line)].map(([, ...of]) => of);
  expect(listed).toEqual(CELLS.map((cell) => [cell.node, IMAGES[cell.server], idOf(cell)]));
});
