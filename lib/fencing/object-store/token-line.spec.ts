import { describe, expect, it } from '@jest/globals';
import { splitTokenLine, withTokenLine } from './token-line.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the line with the token', () => {
  it('is the first of the object', () => {
    expect(withTokenLine(42, bytes('a\nb')).toString()).toBe('Fencing-Token: 42\na\nb');
  });

  it.each(['', 'a', '\n', 'Fencing-Token: 1\nx', '\0\xff', 'x'.repeat(100_000)])(
    'comes off again, and leaves %j',
    (text) => {
      for (const token of [1, 1_790_000_000_000_123, Number.MAX_SAFE_INTEGER]) {
        const parts = splitTokenLine(withTokenLine(token, bytes(text)));
        expect(parts).toEqual({ fencingToken: token, body: Buffer.from(bytes(text)) });
      }
    },
  );

  it('is read from a part of a larger buffer', () => {
    const all = bytes('xxFencing-Token: 7\nabyy');
    const parts = splitTokenLine(all.subarray(2, all.length - 2));
    expect(parts).toMatchObject({ fencingToken: 7 });
    expect(parts!.body.toString()).toBe('ab');
  });

  it.each(['', 'a', '{"a":1}', 'fencing-token: 7\n', 'Fencing-Token', ' Fencing-Token: 7\n'])(
    'is missing in %j, which is a body alone',
    (text) => {
      expect(splitTokenLine(bytes(text))).toEqual({ fencingToken: null, body: Buffer.from(text) });
    },
  );

  it.each([
    '\n',
    '7',
    '7\r\n',
    '-7\n',
    '07\n',
    '7.5\n',
    ' 7\n',
    '99999999999999999\n',
    `${'1'.repeat(30)}\n`,
  ])('is damaged with %j after its name', (rest) => {
    expect(splitTokenLine(bytes(`Fencing-Token: ${rest}`))).toBeUndefined();
  });
});
