import assert from 'node:assert/strict';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hasLoneSurrogate } from '../../lib/core/lock-name.js';
import { compileKeyTemplate, type KeyOf } from '../../lib/key-template.js';
import { LockKeyError, LockOptionsError } from 'nestjs-locker';
import { anyText, anyValue, nastyText, runs } from './support/fuzzing.js';

class Methods {
  id = 'of this';

  none(): void {}
  one(_id: unknown): void {}
  two(_id: unknown, _a: unknown): void {}
  rest(..._all: unknown[]): void {}
  parts({ id: _id, a: [_first] = [0] }: { id?: unknown; a?: unknown[] } = {}): void {}
}
const METHODS = ['none', 'one', 'two', 'rest', 'parts'] as const;
const methodOf = (name: (typeof METHODS)[number]): Function => Methods.prototype[name];
const where = { className: 'Methods', methodName: 'm' };

/** A template that may be one, or throws `LockOptionsError`; anything else fails. */
function compiled(template: string, method: Function): KeyOf | undefined {
  try {
    return compileKeyTemplate(template, method, where);
  } catch (error) {
    assert(error instanceof LockOptionsError);
    return undefined;
  }
}

describe('a key template', () => {
  it('is compiled or refused, and then makes a name or says why not', () => {
    const template = fc.oneof(
      nastyText(),
      anyText(),
      nastyText().map((text) => `a:<id>:${text}`),
    );
    const property = fc.property(
      template,
      fc.constantFrom(...METHODS),
      fc.array(anyValue, { maxLength: 3 }),
      (text, name, args) => {
        const keyOf = compiled(text, methodOf(name));
        if (!keyOf) return;
        try {
          expect(keyOf(new Methods(), args)).toMatch(/^[^]+$/);
        } catch (error) {
          assert(error instanceof LockKeyError);
        }
      },
    );
    fc.assert(property, runs(3_000));
  });

  it('is read back from the name: one name, one list of values', () => {
    // The first character of a literal is what ends the value before it; "%" there is refused.
    const literal = nastyText(6).filter(
      (text) => !hasLoneSurrogate(text) && text !== '' && !text.startsWith('%'),
    );
    const value = fc
      .oneof(nastyText(8), anyText(8), fc.integer().map(String))
      .filter((text) => text !== '' && !hasLoneSurrogate(text));
    const property = fc.property(
      fc.option(literal, { nil: '' }),
      fc.array(fc.tuple(value, literal), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (start, parts, endsWithValue) => {
        const literals = parts.map(([, text], index) =>
          endsWithValue && index === parts.length - 1 ? '' : text,
        );
        const template =
          escape(start) + parts.map((_, index) => `<${index}>${escape(literals[index]!)}`).join('');
        const values = parts.map(([text]) => text);
        const name = compileKeyTemplate(template, methodOf('rest'), where)(new Methods(), values);
        expect(readBack(name, start, literals)).toEqual(values);
      },
    );
    fc.assert(property, runs(3_000));
  });

  it.each([
    '<',
    '<<',
    '<a',
    '<a>:',
    '<a.',
    '>',
    '%',
    '{',
    'a',
    '<0>:',
    '<this.a>:',
    '<a .',
    '🔒',
    '\ud83d',
    '<a>',
    '<<<',
  ])('of %j, 100,000 characters long, takes no time', (piece) => {
    const started = performance.now();
    compiled(piece.repeat(100_000 / piece.length), methodOf('one'));
    compiled(`<${piece.repeat(100_000 / piece.length)}>`, methodOf('two'));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

const escape = (text: string) => text.replaceAll('<', '<<');

/** From the left: a value ends where the character stands that begins the next literal. */
function readBack(name: string, start: string, literals: readonly string[]): string[] {
  expect(name.startsWith(start)).toBe(true);
  let rest = name.slice(start.length);
  return literals.map((literal) => {
    // An escape in the value may have the character in its digits.
    const end = literal === '' ? '' : `\\u{${literal.codePointAt(0)!.toString(16)}}`;
    const [text] = new RegExp(`^(?:%[0-9A-F]{2}|[^%${end}])*`, 'u').exec(rest)!;
    const value = decodeURIComponent(text);
    rest = rest.slice(text.length);
    expect(rest.startsWith(literal)).toBe(true);
    rest = rest.slice(literal.length);
    return value;
  });
}
