import { describe, expect, it } from '@jest/globals';
import { LockOptionsError } from '../lock.errors.js';
import { fingerprintOf } from './fingerprint.js';

const printOf = (value: unknown) => fingerprintOf(value, 'x');

describe('fingerprintOf', () => {
  it('is short, and the same in every process', () => {
    expect(printOf([{ id: 42, amount: '1.00' }])).toBe('_TxflIysG4iCxiQ-KeXy0L');
    expect(printOf('x'.repeat(1_000_000))).toHaveLength(22);
  });

  it.each<[string, unknown, unknown]>([
    ['the order of properties', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ['the order within lists of objects', [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]],
    [
      'the class',
      new (class A {
        a = 1;
      })(),
      { a: 1 },
    ],
    ['properties that are undefined', { a: 1, b: undefined }, { a: 1 }],
    ['a date and its text', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['what toJSON gives', { toJSON: () => ({ b: 1, a: 2 }) }, { a: 2, b: 1 }],
  ])('does not tell apart by %s', (_what, one, other) => {
    expect(printOf(one)).toBe(printOf(other));
  });

  it('tells values apart', () => {
    const values = [
      [],
      {},
      null,
      0,
      '',
      '0',
      false,
      [0],
      [[]],
      [1, 2],
      [2, 1],
      [12],
      { a: 1 },
      { a: '1' },
      { a: { b: 1 } },
      { a: 1, b: 1 },
      { 1: 'a' },
      ['a'],
      'a',
    ];
    expect(new Set(values.map(printOf)).size).toBe(values.length);
  });

  const cyclic: unknown[] = [];
  cyclic.push({ cyclic });
  const throwing = {
    toJSON: () => {
      throw new Error('no JSON today');
    },
  };

  it.each<[string, unknown]>([
    ['undefined cannot be made: it has no JSON', undefined],
    ['Converting circular structure to JSON', cyclic],
    ['/x/ shows nothing of itself in JSON', [/x/]],
    [
      'shows nothing of itself in JSON',
      new (class Money {
        #amount = 1;
        get amount() {
          return this.#amount;
        }
      })(),
    ],
    ['NaN has no JSON', { amount: NaN }],
    ['it is a promise: await it first', Promise.resolve(1)],
    ['of [Array] cannot be made: Do not know how to serialize a BigInt', [1n]],
    ['1n cannot be made: Do not know how to serialize a BigInt', 1n],
    ['[Function: f] has no JSON of its own', [function f() {}]],
    ['Symbol(s) has no JSON of its own', { s: Symbol('s') }],
    ['[Map] has no JSON of its own', { m: new Map([[1, 2]]) }],
    ['[Set] has no JSON of its own', [new Set([1])]],
    ['no JSON today', throwing],
  ])('refuses what has no JSON: %s', (problem, value) => {
    expect(() => printOf(value)).toThrow(LockOptionsError);
    expect(() => printOf(value)).toThrow(/^x: the fingerprint of .* cannot be made: /);
    expect(() => printOf(value)).toThrow(
      'Give "fingerprint" the values that tell one piece of work from another.',
    );
    expect(() => printOf(value)).toThrow(problem);
  });
});
