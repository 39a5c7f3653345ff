import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { grantOf, termsOf } from '../../test/support/tenures.js';
import { LockStoreError } from '../lock.errors.js';
import { ManualClock } from '../testing/manual.clock.js';
import { Lease, type LeaseGrant } from './lease.js';
import { type Caller, Line } from './line.js';
import type { Wait, WaitAnswer, WaitListener, WaitRequest } from './wait.js';

const BUSY = (place: number): WaitAnswer => ({ lease: null, place });

describe('Line', () => {
  let clock: ManualClock;
  let line: Line;
  let lease: Lease | undefined;
  /** The place in the store's queue, if there is one. */
  let wait:
    { lastAnswer: WaitAnswer | undefined; stop(): void; listener: WaitListener } | undefined;
  let log: string[];
  const startWait = jest.fn<(request: WaitRequest, listener: WaitListener) => Wait>();
  const giveBack = jest.fn<(grant: LeaseGrant) => void>();
  const onEmpty = jest.fn();
  beforeEach(() => {
    for (const mock of [startWait, giveBack, onEmpty]) mock.mockReset();
    clock = new ManualClock();
    lease = undefined;
    wait = undefined;
    log = [];
    startWait.mockImplementation((_request, listener) => {
      const stop = () => void log.push('left the queue');
      wait = { lastAnswer: undefined, stop, listener };
      return wait as unknown as Wait;
    });
    const leaseOf = () => lease;
    line = new Line('a', { clock, startWait, leaseOf, giveBack }, onEmpty);
  });

  const caller = (name: string, part: Partial<Caller> = {}) => {
    const note = (what: string) => void log.push(`${name} ${what}`);
    const made: Caller = {
      ttlMs: 30_000,
      takesPassedLease: true,
      waitsUntil: Infinity,
      begin: (_grant, passesLeft) => note(`begins, ${passesLeft} may follow`),
      takeOver: () => note('takes over'),
      refuse: (error) => note(`is refused: ${error.message}`),
      timeOut: (answer) => note(answer ? 'has waited long enough' : 'knows nothing'),
      tellPlace: (place) => note(`is at ${place}`),
      ...part,
    };
    return made;
  };
  const enter = (name: string, part: Partial<Caller> = {}) => {
    const made = caller(name, part);
    line.enter(made);
    return made;
  };
  const answer = (answered: WaitAnswer) => {
    wait!.lastAnswer = answered;
    wait!.listener.answered(answered);
  };
  const grant = (part: Partial<LeaseGrant> = {}) =>
    wait!.listener.granted(grantOf(clock, { lastToken: 70, ...part }));
  const passableLease = () =>
    new Lease(
      grantOf(clock, { lastToken: 70 }),
      termsOf({ passesLeft: 5 }),
      clock,
      () => undefined,
    );
  const withoutPlaces = () => log.filter((entry) => !/ is at /.test(entry));

  it('stands in the queue of the store as one, however many wait', () => {
    enter('first', { ttlMs: 5_000 });
    expect(wait!.listener.hasFollowers).toBe(false);
    for (const name of ['second', 'third']) enter(name);
    expect(startWait).toHaveBeenCalledTimes(1);
    expect(startWait.mock.calls[0]![0]).toMatchObject({
      name: 'a',
      kind: 'lock',
      units: 0,
      permits: 0,
      ttlMs: 5_000,
    });
    expect(wait!.listener.hasFollowers).toBe(true);
  });

  it('gives the name to the first, and queues up again for the next', () => {
    for (const name of ['first', 'second']) enter(name);
    grant();
    grant();
    expect(withoutPlaces()).toEqual([
      'first begins, Infinity may follow',
      'second begins, Infinity may follow',
    ]);
    expect(startWait).toHaveBeenCalledTimes(2);
    expect(onEmpty).toHaveBeenCalledWith(line);
  });

  it('lets only those follow who are there already, if others wait outside', () => {
    for (const name of ['first', 'second', 'third']) enter(name);
    grant({ isWaitedFor: true });
    expect(withoutPlaces()).toEqual(['first begins, 2 may follow']);
  });

  it('leaves the queue with its last caller', () => {
    const [first, second] = [enter('first'), enter('second')];
    line.leave(first);
    expect(withoutPlaces()).toEqual([]);
    line.leave(second);
    line.leave(second);
    expect(withoutPlaces()).toEqual(['left the queue']);
    expect(onEmpty).toHaveBeenCalledTimes(1);
  });

  it('refuses all when the store cannot be asked', () => {
    for (const name of ['first', 'second']) enter(name);
    wait!.listener.failed(new LockStoreError('down'));
    expect(withoutPlaces()).toEqual(['first is refused: down', 'second is refused: down']);
    expect(onEmpty).toHaveBeenCalledTimes(1);
  });

  describe('passes a lease on', () => {
    it('to its first caller, and then needs no place in the queue', () => {
      lease = passableLease();
      enter('first');
      expect(startWait).not.toHaveBeenCalled();
      expect(line.pass(lease)).toBe(true);
      expect(withoutPlaces()).toEqual(['first takes over']);
      expect(onEmpty).toHaveBeenCalledTimes(1);
      expect(line.pass(lease)).toBe(false);
    });

    it('for its turn, and queues up when that has ended', async () => {
      lease = passableLease();
      enter('first');
      await clock.advance(24);
      expect(startWait).not.toHaveBeenCalled();
      await clock.advance(1);
      expect(startWait).toHaveBeenCalledTimes(1);
      expect(line.pass(lease)).toBe(false);
    });

    it('but not to one that needs its own', () => {
      lease = passableLease();
      enter('first', { takesPassedLease: false });
      expect(line.pass(lease)).toBe(false);
    });

    it('but not to one that wants another ttl', () => {
      lease = passableLease();
      enter('first', { ttlMs: 5_000 });
      expect(line.pass(lease)).toBe(false);
    });
  });

  describe('tells places', () => {
    it('behind those that wait outside, and only what has been answered', () => {
      for (const name of ['first', 'second']) enter(name);
      expect(log).toEqual([]); // nobody may be in the way at all
      answer(BUSY(3));
      expect(log).toEqual(['first is at 3', 'second is at 4']);
    });

    it('to all, also if one of them leaves when it is told', () => {
      const first = caller('first', { tellPlace: () => line.leave(first) });
      line.enter(first);
      for (const name of ['second', 'third']) enter(name);
      log = [];
      answer(BUSY(1));
      expect(log.join()).toContain('second is at');
      expect(log.join()).toContain('third is at');
    });
  });

  describe('ends waits', () => {
    it('each in its time', async () => {
      enter('first', { waitsUntil: 1_000 });
      enter('second', { waitsUntil: 500 });
      answer(BUSY(1));
      await clock.advance(500);
      expect(withoutPlaces()).toEqual(['second has waited long enough']);
      await clock.advance(500);
      expect(withoutPlaces()).toEqual([
        'second has waited long enough',
        'left the queue',
        'first has waited long enough',
      ]);
    });

    it('not before the first answer, and then at once', async () => {
      enter('first', { waitsUntil: 100 });
      await clock.advance(500);
      expect(withoutPlaces()).toEqual([]);
      answer(BUSY(1));
      expect(withoutPlaces()).toContain('first has waited long enough');
    });

    it('in time also after a first answer that came late', async () => {
      enter('first', { waitsUntil: 100 });
      enter('second', { waitsUntil: 1_000 });
      await clock.advance(500);
      answer(BUSY(1));
      await clock.advance(500);
      expect(withoutPlaces()).toContain('second has waited long enough');
    });

    it('of those that wait for a lease of the process itself, too', async () => {
      lease = passableLease();
      enter('first', { waitsUntil: 10 });
      await clock.advance(10);
      expect(withoutPlaces()).toEqual(['first knows nothing']);
    });
  });

  it('gives back what is granted when nobody waits any more', () => {
    const { listener } = (enter('first'), wait!);
    line.leave({} as Caller);
    wait!.listener.granted(grantOf(clock));
    listener.granted(grantOf(clock));
    expect(giveBack).toHaveBeenCalledTimes(1);
  });
});
