import { describe, expect, it } from '@jest/globals';
import type { Subject } from '../lock-store.interface.js';
import { keysOf, tagOf } from './redis-keys.js';

const lock = (name: string): Subject => ({ name, kind: 'lock' });

describe('keysOf', () => {
  it('gives every key of a name the same tag, so that all sit in one slot of a Cluster', () => {
    expect(keysOf('lock', lock('invoice:42'))).toEqual({
      lease: 'lock:{68}:lease:invoice:42',
      queue: 'lock:{68}:queue:invoice:42',
      waiters: 'lock:{68}:waiters:invoice:42',
      tokenCounter: 'lock:{68}:tokens',
      tokenCounterTtlS: 0,
    });
  });

  it('keeps a semaphore apart from the lock of its name, but for the tokens', () => {
    expect(keysOf('lock', { name: 'invoice:42', kind: 'semaphore' })).toEqual({
      lease: 'lock:{68}:permit-lease:invoice:42',
      queue: 'lock:{68}:permit-queue:invoice:42',
      waiters: 'lock:{68}:permit-waiters:invoice:42',
      tokenCounter: 'lock:{68}:tokens',
      tokenCounterTtlS: 0,
    });
  });

  // All clients of a prefix must agree, whatever their version: these never change.
  it.each([
    ['a', 44],
    ['invoice:42', 68],
    ['nightly-report', 139],
    ['account:7', 191],
    ['ä', 243],
    ['🔒', 14],
    ['__proto__', 189],
    ['a\0b', 210],
    ['x'.repeat(4096), 197],
    // No tags of their own:
    ['order:{}:pay', 3],
    ['{a', 161],
    ['}{', 41],
  ])('keeps %j in bucket %d for ever', (name, bucket) => {
    expect(tagOf(name)).toBe(String(bucket));
    expect(keysOf('lock', lock(name)).tokenCounterTtlS).toBe(0);
  });

  it.each([
    ['order:{42}:pay', '42'],
    ['{a}', 'a'],
    ['{a}{b}', 'a'],
    ['{{a}}', '{a'],
    ['}{a}', 'a'],
    ['x{ }', ' '],
  ])("takes the tag of %j from the name's own braces", (name, tag) => {
    expect(tagOf(name)).toBe(tag);
    const { lease, tokenCounterTtlS } = keysOf('lock', lock(name));
    expect(lease).toBe(`lock:{${tag}}:lease:${name}`);
    expect(tokenCounterTtlS).toBe(86_400);
  });

  it('spreads names over all 256 buckets', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 25_600; i++) {
      const tag = tagOf(`invoice:${i}`);
      counts.set(tag, (counts.get(tag) ?? 0) + 1);
    }
    expect(counts.size).toBe(256);
    expect(Math.max(...counts.values())).toBeLessThan(200);
    expect([...counts.keys()].every((tag) => Number(tag) >= 0 && Number(tag) < 256)).toBe(true);
  });

  it('never gives two names, or two kinds of one, the same key', () => {
    const names = [
      'a',
      'a:',
      ':a',
      'lease:a',
      '{a}',
      '{a}:a',
      'a{a}',
      'queue:a',
      'permit-lease:a',
      'A',
      'é',
      'e\u0301',
    ];
    const kinds = ['lock', 'semaphore'] as const;
    const keys = names.flatMap((name) =>
      kinds.flatMap((kind) => {
        const { lease, queue, waiters } = keysOf('lock', { name, kind });
        return [lease, queue, waiters];
      }),
    );
    expect(new Set(keys).size).toBe(names.length * kinds.length * 3);
    expect(keysOf('other', lock('a')).lease).not.toBe(keysOf('lock', lock('a')).lease);
  });
});
