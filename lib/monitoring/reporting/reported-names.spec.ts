import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Tenure } from '../../core/tenure.js';
import { ReportedNames } from './reported-names.js';

interface Part {
  readonly kind?: 'lock' | 'semaphore';
  readonly units?: number;
  readonly beganAt?: number;
}

const tenureOf = (name: string, fencingToken: number, part: Part = {}): Tenure => {
  const lease = {
    name,
    fencingToken,
    kind: 'lock',
    units: 0,
    beganAt: 0,
    owner: 'secret',
    ...part,
  };
  return { lease } as unknown as Tenure;
};

const permit = (fencingToken: number): Tenure =>
  tenureOf('tax', fencingToken, { kind: 'semaphore', units: 1 });

const lock = (name: string, fencingToken: number) => ({ kind: 'lock', name, fencingToken });
const tax = (fencingToken: number) => ({ kind: 'semaphore', name: 'tax', fencingToken });

describe('ReportedNames', () => {
  let names: ReportedNames;
  beforeEach(() => {
    names = new ReportedNames();
  });

  it('are told when they come and when they go, and never with the secret', () => {
    const [a, b] = [tenureOf('a', 1), tenureOf('b', 2)];
    expect(names.update([a], 10)).toEqual({ added: [lock('a', 1)], removed: [], held: 1 });
    expect(names.update([a, b], 10)).toEqual({ added: [lock('b', 2)], removed: [], held: 2 });
    expect(names.update([a, b], 10)).toEqual({ added: [], removed: [], held: 2 });
    const gone = [{ kind: 'lock', name: 'a' }];
    expect(names.update([b], 10)).toEqual({ added: [], removed: gone, held: 1 });
    expect(names.all()).toEqual([lock('b', 2)]);
    expect(names.size).toBe(1);
  });

  it('are not told while they are held for too short a time', () => {
    const young = tenureOf('a', 1, { beganAt: 11 });
    expect(names.update([young], 10)).toEqual({ added: [], removed: [], held: 1 });
    expect(names.update([], 20)).toEqual({ added: [], removed: [], held: 0 });
    expect(names.update([young], 20)).toMatchObject({ added: [lock('a', 1)] });
  });

  it('are told anew with the token of another lease', () => {
    names.update([tenureOf('a', 1)], 10);
    expect(names.update([tenureOf('a', 2)], 10)).toMatchObject({
      added: [lock('a', 2)],
      removed: [],
    });
    expect(names.all()).toEqual([lock('a', 2)]);
  });

  it('are told once with several permits, with the lowest token that is left', () => {
    const [first, second, third] = [permit(5), permit(3), permit(7)];
    expect(names.update([first], 10)).toMatchObject({ added: [tax(5)] });
    expect(names.update([first, second], 10)).toMatchObject({ added: [tax(3)], removed: [] });
    expect(names.update([first, second, third], 10)).toMatchObject({ added: [tax(3)] });
    expect(names.size).toBe(1);
    expect(names.update([first, third], 10)).toMatchObject({ added: [tax(5)], removed: [] });
    expect(names.all()).toEqual([tax(5)]);
    expect(names.update([third], 10)).toMatchObject({ added: [tax(7)] });
    expect(names.update([], 10)).toMatchObject({
      added: [],
      removed: [{ kind: 'semaphore', name: 'tax' }],
    });
    expect(names.size).toBe(0);
  });
});
