// Fails when docs/api is not what the docstrings say now.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMMITTED = join(ROOT, 'docs/api');
const TYPEDOC = join(ROOT, 'node_modules/typedoc/bin/typedoc');

const pagesOf = (directory) =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true }).filter((name) => name.endsWith('.md'))
    : [];

const textOf = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

const generated = mkdtempSync(join(tmpdir(), 'nestjs-locker-api-'));
try {
  const { status } = spawnSync(
    process.execPath,
    [TYPEDOC, '--out', generated, '--logLevel', 'Warn'],
    { cwd: ROOT, stdio: 'inherit' },
  );
  if (status !== 0) process.exitCode = status ?? 1;
  else {
    const pages = new Set([...pagesOf(generated), ...pagesOf(COMMITTED)]);
    const stale = [...pages].filter(
      (page) => textOf(join(generated, page)) !== textOf(join(COMMITTED, page)),
    );
    if (stale.length) {
      console.error(`Out of date: ${stale.join(', ')} in docs/api. Run: npm run docs:api`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(generated, { recursive: true, force: true });
}
