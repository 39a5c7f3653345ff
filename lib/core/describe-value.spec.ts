import { describe, expect, it } from '@jest/globals';

import { describeValue } from './describe-value.js';

describe('describeValue', () => {
  it('quotes and escapes texts', () => {
    expect(describeValue('a"\n\u0000')).toBe(String.raw`"a\"\n\u0000"`);
  });

  it('shortens a text between characters', () => {
    expect(describeValue('a' + '🔒'.repeat(100))).toBe(`"a${'🔒'.repeat(59)}…"`);
  });

  it('keeps a description on one line', () => {
    expect(describeValue(new Error('boom'))).toBe('Error: boom');
  });
});
