import { describe, expect, it } from '@jest/globals';
import { runInThisContext } from 'node:vm';

import { compileKeyTemplate } from './key-template.js';
import { LockKeyError, LockOptionsError } from './lock.errors.js';

const WHERE = { className: 'InvoiceService', methodName: 'issue' };

// Methods as text, so that no tool around the tests rewrites their parameters.
const method = (parameters: string): Function =>
  runInThisContext(`({ async issue(${parameters}) {} }).issue`);

function nameOf(template: string, of: Function | string, args: unknown[], instance: object = {}) {
  const compiled = compileKeyTemplate(template, typeof of === 'string' ? method(of) : of, WHERE);
  return compiled(instance, args);
}

function messageOf(template: string, of: Function | string): string {
  const compile = () =>
    compileKeyTemplate(template, typeof of === 'string' ? method(of) : of, WHERE);
  const error = errorOf(compile);
  expect(error).toBeInstanceOf(LockOptionsError);
  expect(error.message).toContain(
    `InvoiceService.issue: the key template ${JSON.stringify(template)} `,
  );
  return error.message;
}

function errorOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('no error was thrown');
}

const wrapped = (...args: unknown[]) => args;
const forwarding: Function = runInThisContext('(function () { f.apply(this, arguments); })');

describe('compileKeyTemplate: what a template means', () => {
  const invoice = { id: 42, customer: { id: 7 }, 'x-key': 'k' };

  it.each<[string, string, unknown[], string]>([
    ['invoices', 'invoice', [undefined], 'invoices'],
    ['user:<id>', 'id', [42], 'user:42'],
    ['invoice:<invoice.customer.id>', 'invoice', [invoice], 'invoice:7'],
    ['invoice:<invoice.customer.id>', 'options, invoice', [{}, invoice], 'invoice:7'],
    ['invoice:<0.id>', 'invoice', [invoice], 'invoice:42'],
    ['<1>/<0.id>', 'invoice, mode', [invoice, 'draft'], 'draft/42'],
    ['invoice:<id>', 'invoice', [invoice], 'invoice:42'],
    ['invoice:<x-key>', 'invoice', [invoice], 'invoice:k'],
    ['invoice:<id>', 'invoice = {}', [invoice], 'invoice:42'],
    ['<id>', '{ id, customer: { id: c } }', [invoice], '42'],
    ['<c>', 'a, { id, customer: { id: c } }', [1, invoice], '7'],
    ['<customer.id>', 'a, { customer }', [1, invoice], '7'],
    ['<x-key>', '{ id }', [invoice], 'k'],
    ['<second>', '[, second]', [['a', 'b']], 'b'],
    ['<2>', 'a, ...rest', [1, 2, 3], '3'],
    ['<ids.length>', 'ids', [[1, 2]], '2'],
  ])('%s of issue(%s)', (template, parameters, args, name) => {
    expect(nameOf(template, parameters, args)).toBe(name);
  });

  it('is refused where its name is no parameter and the only one has no properties: it was minified', () => {
    const compile = (type: unknown) => () =>
      compileKeyTemplate('invoice:<id>', method('a'), { ...WHERE, parameterTypes: [type] });
    for (const type of [String, Number]) {
      expect(compile(type)).toThrow(/<id>, which is no parameter\. .*a.* Write .*<0>/);
    }
    expect(compile(Object)).not.toThrow();
  });

  it('reads the instance', () => {
    expect(nameOf('<this.tenant>:<id>', 'id', [1], { tenant: 'acme' })).toBe('acme:1');
  });

  it.each([
    ['<<id>', '<id>'],
    ['<<<id>>', '<7>'],
    ['<id>><<', '7><'],
    ['a>\nb', 'a>\nb'],
  ])('%j gives %j: "<<" is a literal "<", ">" is one by itself', (template, name) => {
    expect(nameOf(template, 'id', [7])).toBe(name);
  });

  it('takes positions and the instance of a method whose names are gone', () => {
    for (const gone of [wrapped, forwarding, new Proxy(method('a'), {})]) {
      expect(nameOf('<0.id>:<2>:<this.t>', gone, [invoice, 1, 2], { t: 't' })).toBe('42:2:t');
    }
  });

  it('gives a number and its decimal text one name', () => {
    expect(nameOf('<id>', 'id', [42])).toBe(nameOf('<id>', 'id', ['42']));
  });
});

describe('compileKeyTemplate: what it refuses when the class is defined', () => {
  it.each<[string, string, string]>([
    ['', 'id', `is empty. Write a name, such as 'invoices' or 'invoice:<id>'.`],
    ['a:<id', 'id', 'has a "<" that no ">" closes. Write "<<" for a literal "<".'],
    ['a:<i<id>', 'id', 'has a "<" that no ">" closes. Write "<<" for a literal "<".'],
    ['<>', 'id', 'has <>, where a name is missing. Write it like <invoice.id>.'],
    ['<a..b>', 'a', 'has <a..b>, where a name is missing. Write it like <invoice.id>.'],
    ['< id >', 'id', 'has < id >, with a space or a private name. Write it like <invoice.id>.'],
    ['<this.#t>', '', 'has <this.#t>, with a space or a private name.'],
    ['<this>', '', 'has <this>, the whole instance. Write it like <this.tenant>.'],
    ['a\ud800<id>', 'id', 'has half of a surrogate pair. Write whole characters.'],
    [
      '<a><b>',
      'a, b',
      'has nothing between <a> and <b>: ("1", "23") and ("12", "3") would give one name. ' +
        'Write a separator, such as "<a>:<b>".',
    ],
    [
      '<a>%<b>',
      'a, b',
      'has a "%" after <a>, which could be a part of the value. ' +
        'Write another separator, such as "<a>:<b>".',
    ],
    [
      '<invoce.id>',
      'invoice, { mode }',
      'has <invoce.id>, which is no parameter. Its parameters: invoice, { mode }. Write one of them, ' +
        'a position such as <0.id>, or a function of the arguments.',
    ],
    [
      '<customer.id>',
      'invoice',
      'has <customer.id>, which is no parameter. Its parameters: invoice.',
    ],
    ['<id>', 'a, b', 'has <id>, which is no parameter. Its parameters: a, b.'],
    ['<id>', '', 'has <id>, which is no parameter. It has no parameters. Write <this.name>.'],
    [
      '<2.id>',
      'a, b = 1',
      'has <2.id>, past the last parameter. Its parameters: a, b. ' +
        'Count from <0>, or write <this.name> or a function of the arguments.',
    ],
    [
      '<rest>',
      'a, ...rest',
      'has <rest>, which a rest or a computed key binds. ' +
        'Write a position such as <1>, or a function of the arguments.',
    ],
    ['<args.id>', '...args', 'binds. Write a position such as <0.id>, or a function'],
    ['<rest>', '{ a, ...rest }', 'has <rest>, which a rest or a computed key binds.'],
    ['<b>', '{ [a]: b }', 'has <b>, which a rest or a computed key binds.'],
  ])('%j of issue(%s)', (template, parameters, problem) => {
    expect(messageOf(template, parameters)).toContain(problem);
  });

  it.each<[string, Function, string]>([
    ['wrapped as (...args)', wrapped, 'Its parameters: ...args.'],
    ['wrapped with arguments', forwarding, 'It has no parameters.'],
    ['a Proxy', new Proxy(method('id'), {}), 'Its source cannot be read.'],
    ['native', method('id').bind({}), 'Its source cannot be read.'],
  ])('a name of a method that lost its names: %s', (_, gone, parameters) => {
    expect(messageOf('a:<invoice.id>', gone)).toContain(
      'has <invoice.id>, but the method was wrapped or minified and its parameters lost their names. ' +
        `${parameters} Write a position such as <0.id>, or a function of the arguments, or put this ` +
        'decorator below the others, nearest to the method.',
    );
  });

  it('but lets a "%" that parts no two values be', () => {
    expect(nameOf('rate:<id>%', 'id', ['5'])).toBe('rate:5%');
  });
});

describe('compileKeyTemplate: what it refuses at the call', () => {
  const keyErrorOf = (template: string, parameters: string, args: unknown[], instance = {}) => {
    const error = errorOf(() => nameOf(template, parameters, args, instance));
    expect(error).toBeInstanceOf(LockKeyError);
    return error;
  };

  it.each<[string, string, unknown[], string]>([
    ['job:<id>', 'id', [undefined], 'is undefined. Pass a value'],
    ['job:<id>', 'id', [null], 'is null. Pass a value'],
    ['job:<id>', 'id', [''], 'is "". Pass a value'],
    ['job:<id>', 'id', [NaN], 'is NaN. Pass a value'],
    [
      'job:<id>',
      'id',
      [{ a: 1 }],
      'is [Object], which has no text of its own. Name a property of it',
    ],
    ['job:<a.b.c>', 'a', [{ b: null }], 'is undefined. Pass a value'],
    ['job:<a.length>', 'a', ['text'], 'is undefined. Pass a value'],
    ['job:<id>', 'invoiceId', [42], 'is undefined. Pass a value'],
    ['job:<this.tenant>', '', [], 'is undefined. Pass a value'],
  ])('%s of issue(%s) called with %j', (template, parameters, args, problem) => {
    const placeholder = template.slice('job:'.length);
    expect(keyErrorOf(template, parameters, args).message).toContain(
      `InvoiceService.issue: ${placeholder} of the key template "${template}" ${problem}`,
    );
  });

  it('tells that it cannot see a default', () => {
    const hint = 'A default is only known inside the method.';
    expect(keyErrorOf('<b>', 'a, b = 1', [1]).message).toContain(hint);
    expect(keyErrorOf('<b>', 'a, { b = 1 }', [1, {}]).message).toContain(hint);
    expect(keyErrorOf('<a>', 'a, b = 1', []).message).not.toContain(hint);
  });

  it('keeps what a getter threw', () => {
    const cause = new Error('not loaded');
    const lazy = {
      get tenant(): string {
        throw cause;
      },
    };
    const error = keyErrorOf('<this.tenant>', '', [], lazy);
    expect(error.message).toContain(
      '<this.tenant> of the key template "<this.tenant>" cannot be read',
    );
    expect(error.cause).toBe(cause);
    expect(keyErrorOf('<id>', 'id', [])).not.toHaveProperty('cause');
  });
});

describe('compileKeyTemplate: how values are escaped', () => {
  it.each([
    ['<id>', 'a:b', 'a%3Ab'],
    ['<id>', '100%', '100%25'],
    ['{<id>}:x', '{a}', '{%7Ba%7D}:x'],
    ['<id>', '\0\n\x1f\x20\x7f', '%00%0A%1F\x20\x7f'],
    ['<id>/x', 'a/b-c', 'a%2Fb-c/x'],
    ['<id>-x', 'a/b-c', 'a/b%2Dc-x'],
    ['<id>]', '[^]', '[^%5D]'],
    ['<id>^', '[^]', '[%5E]^'],
    ['<id>é', 'éa', '%C3%A9aé'],
    ['<id>🔒x', '🔒🔓', '%F0%9F%94%92🔓🔒x'],
    ['<id>', 'a/b é🔒 <x>', 'a/b é🔒 <x>'],
    ['<id>', '\ud800', '\ud800'],
  ])('%j with %j gives %j', (template, value, name) => {
    expect(nameOf(template, 'id', [value])).toBe(name);
  });

  it.each([':', '-', '5', 'A', '25', '/%', '🔒', '\\', ']', '^', '<<', '{', '.'])(
    'never gives one name for two lists of values parted by %j',
    (separator) => {
      const compiled = compileKeyTemplate(`<a>${separator}<b>`, method('a, b'), WHERE);
      const values = textsOf([Array.from(separator)[0], '%', '2', '5', 'A'], 3);
      const names = new Set(values.flatMap((a) => values.map((b) => compiled({}, [a, b]))));
      expect(names.size).toBe(values.length ** 2);
    },
  );
});

/** All texts of up to so many of the characters. */
function textsOf(characters: readonly string[], length: number): string[] {
  const distinct = [...new Set(characters)];
  if (length === 1) return distinct;
  const shorter = textsOf(distinct, length - 1);
  return [...new Set([...shorter, ...shorter.flatMap((t) => distinct.map((c) => t + c))])];
}
