import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';

import { LockKeyError } from './lock.errors.js';
import { type RefuseValue, textInName } from './key-value-text.js';

const refuse: RefuseValue = (problem, cause) => {
  throw new LockKeyError(problem, { cause });
};

function errorOf(work: () => unknown): LockKeyError {
  try {
    work();
  } catch (error) {
    if (error instanceof LockKeyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('textInName', () => {
  class ObjectId {
    constructor(private readonly hex: unknown) {}
    toString(): string {
      return this.hex as string;
    }
  }

  it.each<[unknown, string]>([
    ['INV-1', 'INV-1'],
    ['undefined', 'undefined'],
    [42, '42'],
    ['42', '42'],
    [-0, '0'],
    [1.5, '1.5'],
    [0, '0'],
    [9007199254740993n, '9007199254740993'],
    [true, 'true'],
    [false, 'false'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [runInNewContext('new Date(0)'), '1970-01-01T00:00:00.000Z'],
    [new ObjectId('507f'), '507f'],
    [new URL('https://a.example/'), 'https://a.example/'],
    [{ toString: () => 'own' }, 'own'],
  ])('gives %p the text %j', (value, text) => {
    expect(textInName(value, refuse)).toBe(text);
  });

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['', '""'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
    [new Date(NaN), 'Invalid Date'],
  ])('refuses %p as missing', (value, shown) => {
    expect(errorOf(() => textInName(value, refuse)).message).toBe(
      `is ${shown}. Pass a value that a name can be made from, or make the key with a function.`,
    );
  });

  it.each<[string, unknown]>([
    ['{}', {}],
    ['[Object]', { id: 1 }],
    ['[Object: null prototype] {}', Object.create(null)],
    ['[Array]', ['a']],
    ['[Array]', runInNewContext('["a"]')],
    ['[Object]', runInNewContext('({ id: 1 })')],
    ['[Uint8Array]', new Uint8Array(1)],
    ['[Buffer [Uint8Array]]', Buffer.from('a')],
    ['Map(0) {}', new Map()],
    ['[Promise]', Promise.resolve(1)],
    ['[Function (anonymous)]', () => 1],
    ['Symbol(x)', Symbol('x')],
    ['[Symbol: Symbol(x)]', Object(Symbol('x'))],
    ['[Number: NaN]', Object(NaN)],
    ['Invoice {}', new (class Invoice {})()],
    ['[ObjectId]', new ObjectId(42)],
    ['[ObjectId]', new ObjectId('[object Promise]')],
  ])('refuses %s, which has no text of its own', (shown, value) => {
    expect(errorOf(() => textInName(value, refuse)).message).toBe(
      `is ${shown}, which has no text of its own. Name a property of it, await it if it is a promise, ` +
        'or make the key with a function.',
    );
  });

  it('refuses a toString that gives nothing', () => {
    expect(errorOf(() => textInName(new ObjectId(''), refuse)).message).toContain(
      'is [ObjectId], whose toString() gives "".',
    );
  });

  it('refuses a toString that throws, and keeps what it threw', () => {
    const cause = new Error('not loaded');
    const broken = {
      toString(): string {
        throw cause;
      },
    };
    const error = errorOf(() => textInName(broken, refuse));
    expect(error.message).toContain('is [Object], whose toString() throws.');
    expect(error.cause).toBe(cause);
  });
});
