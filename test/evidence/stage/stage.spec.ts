import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readHistories } from '../history/history-file.js';
import type { ClientProcess } from './client-process.js';
import { Stage } from './stage.js';

const directory = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a writer that is to be stopped', () => {
  const stageOf = (...clients: Partial<ClientProcess>[]) => {
    const stage = new Stage({} as never, () => 0, { directory } as never);
    stage.clients.push(...(clients as ClientProcess[]));
    return stage;
  };
  const process = (name: string, done: string[]): Partial<ClientProcess> => ({
    name,
    stop: () => void done.push('stop'),
    continue: () => void done.push('continue'),
  });

  it('is the one that comes to write that name', async () => {
    const done: string[] = [];
    const [a, b] = [process('a', []), process('b', done)];
    const stopped = stageOf(a, b).stopNextWriter('busy', 1, () => done.push('onStop'));
    a.onWrite!('other');
    b.onWrite!('busy');
    await stopped;
    expect(done).toEqual(['stop', 'onStop', 'stop', 'continue']);
    expect(a.onWrite).toBeUndefined();
  });

  it('is not waited for longer than the limit', async () => {
    const done: string[] = [];
    const a = process('a', done);
    await stageOf(a).stopNextWriter('busy', 1, () => done.push('onStop'), 20);
    expect(done).toEqual(['onStop']);
    expect(a.onWrite).toBeUndefined();
    expect(readHistories(directory).map(({ type }) => type)).toEqual(['stopped', 'continued']);
  });
});

describe('a client that is told to end', () => {
  const told = mkdtempSync(join(tmpdir(), 'nestjs-locker-'));
  afterAll(() => rmSync(told, { recursive: true, force: true }));

  it('is in the history if it did not', async () => {
    const stage = new Stage({} as never, () => 0, { directory: told } as never);
    const client = (name: string, ends: boolean) => ({ name, finish: async () => ends });
    stage.clients.push(client('a1', true) as never, client('b2', false) as never);
    await stage.finish(10);
    expect(readHistories(told)).toMatchObject([{ type: 'hung', what: 'b2', process: 'injector' }]);
  });
});
