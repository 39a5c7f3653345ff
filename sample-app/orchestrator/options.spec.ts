import { describe, expect, it } from '@jest/globals';
import { parseOptions, UsageError } from './options.ts';

describe('parseOptions', () => {
  it('runs with locks first, on 3 replicas and 1,000 invoices, unless told otherwise', () => {
    expect(parseOptions([])).toEqual({ locked: true, replicas: 3, invoices: 1_000, help: false });
  });

  it('takes every option', () => {
    expect(parseOptions(['--without-locks', '--replicas', '5', '--invoices=20'])).toEqual({
      locked: false,
      replicas: 5,
      invoices: 20,
      help: false,
    });
    expect(parseOptions(['--help']).help).toBe(true);
  });

  it.each([
    [['--with-locks'], '--with-locks'],
    [['now'], 'now'],
    [['--replicas'], '--replicas'],
    [['--replicas', '0'], '--replicas is a whole number from 1 to 16, not "0"'],
    [['--replicas', '1.5'], 'not "1.5"'],
    [['--invoices', '1001'], '--invoices is a whole number from 1 to 1000, not "1001"'],
    [['--invoices', ''], 'not ""'],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(message);
  });
});
