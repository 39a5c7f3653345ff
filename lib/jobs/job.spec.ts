import { describe, expect, it } from '@jest/globals';
import { LockKeyError, LockOptionsError } from '../lock.errors.js';
import { Job, type JobOptions } from './job.js';

interface Invoice {
  readonly id: number;
  readonly number?: string | null;
}

describe('Job', () => {
  it.each<[string, unknown, string]>([
    ['a text', '42', 'invoice:42'],
    ['a number', 42, 'invoice:42'],
    ['a bigint', 42n, 'invoice:42'],
    ['0', 0, 'invoice:0'],
    ['an id of an object', { id: 42 }, 'invoice:42'],
    ['an inherited id', Object.create({ id: 42 }), 'invoice:42'],
    ['an id with a text of its own', { id: { toString: () => 'x7' } }, 'invoice:x7'],
    ['a date', new Date(0), 'invoice:1970-01-01T00%3A00%3A00.000Z'],
    ['a text with a colon', 'a:b', 'invoice:a%3Ab'],
    ['a text with a percent sign', 'a%3Ab', 'invoice:a%253Ab'],
  ])('names an element by %s', (_what, element, name) => {
    expect(new Job<unknown>({ name: 'invoice' }).nameOf(element)).toBe(name);
  });

  it('names an element by what a function tells, called with the element alone', () => {
    const told: unknown[][] = [];
    const id = (...args: [Invoice]) => (told.push(args), args[0].number);
    const job = new Job<Invoice>({ name: 'invoice', id });
    const element = { id: 42, number: 'R-1' };
    expect(job.nameOf(element)).toBe('invoice:R-1');
    expect(told).toEqual([[element]]);
  });

  it('keeps two elements apart whose names would be one', () => {
    const outer = new Job({ name: 'invoice' });
    const inner = new Job({ name: 'invoice:draft' });
    expect(outer.nameOf('draft:1')).not.toBe(inner.nameOf('1'));
    expect(outer.nameOf('a:b')).not.toBe(outer.nameOf('a%3Ab'));
  });

  it.each<[string, unknown]>([
    ['is null. Pass a value', null],
    ['is undefined. Pass a value', undefined],
    ['is "". Pass a value', ''],
    ['is NaN. Pass a value', NaN],
    ['is undefined. Pass a value', { id: undefined }],
    ['is null. Pass a value', { id: null }],
    ['is [Object], which has no text of its own', { number: 42 }],
    ['is [Array], which has no text of its own', [42]],
    ['is {}, which has no text of its own', { id: {} }],
  ])('refuses an element whose id %s', (problem, element) => {
    const name = () => new Job<unknown>({ name: 'invoice' }).nameOf(element);
    expect(name).toThrow(LockKeyError);
    expect(name).toThrow(/^Job "invoice": the id of /);
    expect(name).toThrow(problem);
  });

  it('keeps what an id throws as the cause', () => {
    const cause = new Error('own');
    const id = {
      toString: () => {
        throw cause;
      },
    };
    let error: unknown;
    try {
      new Job<unknown>({ name: 'invoice' }).nameOf({ id });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(LockKeyError);
    expect(error).toMatchObject({ cause });
  });

  it('refuses a name that is too long', () => {
    const name = () => new Job({ name: 'invoice' }).nameOf('x'.repeat(5_000));
    expect(name).toThrow(LockKeyError);
  });

  const whole = { name: 'invoice' };

  it.each<[string, unknown]>([
    ['Job: the options are undefined; write an object.', undefined],
    ['Job: the options are "invoice"; write an object.', 'invoice'],
    ['Job: "name" is undefined; write a text of up to 1024 characters', {}],
    ['Job: "name" is ""; write a text of up to 1024 characters', { name: '' }],
    ['Job: "name" is 7; write a text of up to 1024 characters', { name: 7 }],
    ['Job: "name" is "xxx', { name: 'x'.repeat(1_025) }],
    ['Job: there is no option "wait". The options are name, id, concurrency', { wait: '1s' }],
    ['Job "invoice": "id" is "number"; write a function.', { id: 'number' }],
    ['Job "invoice": "id" is null; write a function.', { id: null }],
    ['Job "invoice": "compensate" is true; write a function.', { compensate: true }],
    ['"concurrency" is 0; write a whole number from 1 to 1000000.', { concurrency: 0 }],
    ['is "4"; write a whole number from 1 to 1000000.', { concurrency: '4' }],
    ['Job "invoice": "ttl" is 49, but must be from 50 ms', { ttl: 49 }],
    ['Job "invoice": "maxHold" is "long", not a duration', { maxHold: 'long' }],
    ['Job "invoice": "minHold" is -1, but must be from 0 ms', { minHold: -1 }],
    [
      'Job "invoice": "minHold" (2000 ms) is above "maxHold" (1000 ms)',
      { minHold: '2s', maxHold: '1s' },
    ],
    ['Job "invoice": "retention" is 0, but must be from 1 ms', { retention: 0 }],
    [`Job "invoice": "onUnknown" is "stop"; write 'retry', 'hold'`, { onUnknown: 'stop' }],
    ['Job "invoice": "storeResult" is 1; write true, false or', { storeResult: 1 }],
  ])('refuses options: %s', (message, part) => {
    const isPart = typeof part === 'object' && part !== null && Object.keys(part).length > 0;
    const options = isPart ? { ...whole, ...part } : part;
    const make = () => new Job(options as JobOptions<number>);
    expect(make).toThrow(LockOptionsError);
    expect(make).toThrow(message);
  });

  it('takes what is right, and leaves to the module what is left out', () => {
    const options = { ...whole, concurrency: 1_000_000, retention: Infinity, onUnknown: 'hold' };
    const job = new Job({ ...options, ttl: undefined, maxHold: '1h' } as JobOptions<number>);
    expect(job.concurrency).toBe(1_000_000);
    expect(job.acquireOptions).toEqual({ maxHold: '1h' });
    expect(job.terms).toEqual({ retentionMs: Infinity, maxResultBytes: 0, onUnknown: 'hold' });
    expect(new Job(whole)).toMatchObject({ name: 'invoice', concurrency: undefined });
  });
});
