import { jest } from '@jest/globals';
import fc from 'fast-check';
import { LockError } from 'nestjs-locker';

// More runs take their time.
jest.setTimeout(1_200_000);

const FACTOR = Number(process.env['FUZZ_RUNS'] ?? 1);
/** Always the same in `npm test`, which must not fail now and then; `npm run fuzz` has others. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_123);

/** So many runs of a property, or the multiple that `FUZZ_RUNS` asks for; a failure tells seed and path. */
export const runs = (count: number) => ({ numRuns: Math.ceil(count * FACTOR), seed: SEED });

/** Any code units: halves of surrogate pairs too. */
export const anyText = (maxLength = 60): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    maxLength,
  });

const NASTY = [
  ...'< > << . : % { } {} " \' ` \\ $ * ? [ ] - -- ../ </script>'.split(' '),
  ...'a id this 0 1e3 __proto__ constructor toString %00 %7B é'.split(' '),
  ...Array.from('\0\n\u202e\u2028\ufeff\uffff 🔒'),
  '\r\n',
  'e\u0301',
  '\ud83d',
  '\udd12',
];

/** Texts of what has a meaning somewhere: templates, hash tags, markup, escapes, protocols. */
export const nastyText = (maxLength = 24): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...NASTY), { maxLength }).map((parts) => parts.join(''));

export const longText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('a', 'ü', '🔒', '<', '{', '\0', '\ud83d'),
    fc.constantFrom(4_096, 4_097, 100_000),
  )
  .map(([text, length]) => text.repeat(length));

const ODD_NUMBERS = [NaN, Infinity, -Infinity, -0, 0, -1, 0.5, 1, 2 ** 31, 2 ** 53, 1e308, 10n];
const ODD_TEXTS = [
  '9'.repeat(400),
  ...'0 -1s 1 30s 1minute Infinity 1e400s NaN 30parsecs'.split(' '),
];

const fails = () => {
  throw new Error('it throws');
};
const ODD_OBJECTS: unknown[] = [
  Symbol('s'),
  () => undefined,
  class Some {},
  [[]],
  Object.create(null),
  new Date(NaN),
  new Error('e'),
  Promise.resolve(1),
  AbortSignal.abort(),
  { toString: fails },
  { [Symbol.toPrimitive]: fails },
  JSON.parse('{"__proto__":{"ttl":1},"constructor":1}'),
];

/** Whatever a caller without types may hand over. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withTypedArray: true,
  }),
  fc.constantFrom<unknown>(...ODD_NUMBERS, ...ODD_TEXTS, ...ODD_OBJECTS),
  nastyText(),
  anyText(),
  longText,
);

/** An object of the options' own keys, keys of prototypes and others, each with any value. */
export const anyOptions = (...keys: string[]): fc.Arbitrary<unknown> => {
  const key = fc.constantFrom(
    ...keys,
    ...keys,
    ...keys,
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
  );
  const entries = fc.array(
    fc.tuple(
      fc.oneof({ weight: 9, arbitrary: key }, { weight: 1, arbitrary: nastyText() }),
      anyValue,
    ),
    {
      maxLength: 3,
    },
  );
  return fc.oneof(
    { weight: 4, arbitrary: entries.map((list) => Object.fromEntries(list)) },
    {
      weight: 1,
      arbitrary: entries.map((list) =>
        Object.assign(Object.create({ ttl: 1 }), Object.fromEntries(list)),
      ),
    },
    { weight: 1, arbitrary: anyValue },
  );
};

const LONGEST_MESSAGE = 20_000;

/** What a call comes to: its result, or an error that the library's documentation has; anything else is thrown. */
export async function outcomeOf<T>(
  call: () => T | Promise<T>,
): Promise<{ value?: T; error?: LockError }> {
  try {
    return { value: await call() };
  } catch (error) {
    if (!(error instanceof LockError))
      throw new Error(`not a LockError: ${describe(error)}`, { cause: error });
    if (error.message.length > LONGEST_MESSAGE)
      throw new Error(`a message of ${error.message.length} characters`, { cause: error });
    return { error };
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
}
