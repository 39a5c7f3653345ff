import { describe, expect, it } from '@jest/globals';
import { SharedAnswers } from './shared-answers.js';

const setUp = () => {
  const clock = { now: 1_000 };
  const shared = new SharedAnswers(100, () => clock.now);
  let asked = 0;
  const ask = (question = 'a') => shared.get(question, async () => ++asked);
  return { clock, shared, ask };
};

describe('SharedAnswers', () => {
  it('asks once for all who come at the same time', async () => {
    const { ask } = setUp();
    expect(await Promise.all([ask(), ask(), ask('b')])).toEqual([1, 1, 2]);
  });

  it('keeps an answer for a while, and no longer', async () => {
    const { clock, ask } = setUp();
    await ask();
    clock.now += 99;
    expect(await ask()).toBe(1);
    clock.now += 1;
    expect(await ask()).toBe(2);
  });

  it('never asks a question twice at a time, however long it takes', async () => {
    const { clock, shared } = setUp();
    let answer!: (value: string) => void;
    const first = shared.get('slow', () => new Promise<string>((resolve) => (answer = resolve)));
    clock.now += 5_000;
    const second = shared.get('slow', async () => 'asked again');
    answer('late');
    expect(await Promise.all([first, second])).toEqual(['late', 'late']);
  });

  it('keeps for longer what is laborious', async () => {
    const { clock, shared } = setUp();
    const slow = async (): Promise<number> => (clock.now += 50);
    await shared.get('slow', slow, 10);
    clock.now += 400;
    expect(await shared.get('slow', slow, 10)).toBe(1_050);
    clock.now += 50;
    expect(await shared.get('slow', slow, 10)).toBe(1_550);
  });

  it('keeps a failure, too, so that an outage is not asked about by everybody', async () => {
    const { shared, ask } = setUp();
    const fail = () => shared.get('a', () => Promise.reject(new Error('out of reach')));
    await expect(fail()).rejects.toThrow('out of reach');
    await expect(ask()).rejects.toThrow('out of reach');
  });

  it('forgets all when something was done', async () => {
    const { shared, ask } = setUp();
    await ask();
    shared.clear();
    expect(await ask()).toBe(2);
  });

  it('keeps a bounded number of answers', async () => {
    const { ask } = setUp();
    for (let i = 0; i <= 200; i++) await ask(`question ${i}`);
    expect(await ask('question 200')).toBe(201);
    expect(await ask('question 0')).toBe(202);
  });
});
