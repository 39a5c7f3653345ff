import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { findUnruly } from '../checker/unruly-processes.js';
import { readHistories } from '../history/history-file.js';
import type { World } from '../stage/world.js';
import { type CommonPlan, Stage } from '../stage/stage.js';
import type { LibraryName } from './plan.js';

const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('a client process tells of rejections that its library leaves to nobody, and of a close that hangs', async () => {
  // The harness is loaded with the sources, not with a build.
  process.env['EVIDENCE_OF'] = 'source';
  const plan: CommonPlan = {
    directory,
    library: '../fixtures/unruly' as LibraryName,
    storage: 'postgres://127.0.0.1:1/none',
    ttlMs: 100,
    waitMs: 100,
    storeTimeoutMs: 100,
    permits: 1,
  };
  const world: World = {
    kind: 'single',
    connection: async () => ({ kind: 'single', url: 'redis://127.0.0.1:1' }),
    keys: async () => [],
    stop: async () => undefined,
  };
  const stage = new Stage(world, () => 0.5, plan);
  try {
    await stage.startClient(0);
    await stage.clients[0]!.ready;
    await stage.finish(1_000);
  } finally {
    await stage.close();
  }
  expect(findUnruly(readHistories(directory), 0)).toMatchObject([
    { kind: 'unhandled rejection', text: expect.stringContaining('Error: left to nobody') },
    { kind: 'hung', text: expect.stringMatching(/^a1 hung at its close/) },
  ]);
});
