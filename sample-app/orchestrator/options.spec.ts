import { describe, expect, it } from '@jest/globals';
import { parseOptions, UsageError } from './options.ts';

describe('parseOptions', () => {
  it('runs with all, with less and without locks, on 3 replicas and 300 invoices, unless told otherwise', () => {
    expect(parseOptions([])).toEqual({
      modes: ['with fencing', 'without fencing', 'without locks'],
      replicas: 3,
      invoices: 300,
      seed: undefined,
      seeds: undefined,
      stay: false,
      help: false,
    });
  });

  it('takes every option', () => {
    const args = ['--without-locks', '--replicas', '5', '--invoices=20', '--seed', '0'];
    expect(parseOptions(args)).toEqual({
      modes: ['without locks'],
      replicas: 5,
      invoices: 20,
      seed: 0,
      seeds: undefined,
      stay: false,
      help: false,
    });
    expect(parseOptions(['--stay']).stay).toBe(true);
    expect(parseOptions(['--seeds', '20']).seeds).toBe(20);
    expect(parseOptions(['--help']).help).toBe(true);
  });

  it('runs only what it is told to', () => {
    expect(parseOptions(['--without-fencing']).modes).toEqual(['without fencing']);
    expect(parseOptions(['--without-locks', '--without-fencing']).modes).toEqual([
      'without fencing',
      'without locks',
    ]);
    expect(parseOptions(['--seeds', '2']).modes).toEqual(['with fencing']);
    expect(parseOptions(['--seeds', '2', '--without-fencing']).modes).toEqual(['without fencing']);
  });

  it('takes the last of what is said twice, so that scripts can be told otherwise', () => {
    expect(parseOptions(['--invoices', '200', '--invoices', '50']).invoices).toBe(50);
  });

  it.each([
    [['--with-locks'], '--with-locks'],
    [['now'], 'now'],
    [['--replicas'], '--replicas'],
    [['--replicas', '0'], '--replicas is a whole number from 1 to 16, not "0"'],
    [['--replicas', '1.5'], 'not "1.5"'],
    [['--invoices', '1001'], '--invoices is a whole number from 1 to 1000, not "1001"'],
    [['--invoices', ''], 'not ""'],
    [['--seed', '0x10'], '--seed is a whole number from 0 to 4294967295, not "0x10"'],
    [['--seed', '4294967296'], 'not "4294967296"'],
    [['--seeds', '0'], '--seeds is a whole number from 1 to 1000, not "0"'],
    [['--seeds', '2', '--without-locks'], '--seeds is about locks'],
    [['--stay', '--without-locks'], '--stay is about the page of a run with locks'],
    [['--stay', '--seeds', '2'], 'does not go with --seeds'],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
  });
});
