import { describe, expect, it } from '@jest/globals';
import { runInThisContext } from 'node:vm';

import { findBinding, readSignature } from './parameter-names.js';

// As text, where the tools around the tests would rewrite or refuse the syntax.
const evaluate = (source: string): Function => runInThisContext(`(${source})`);

function methodOf(source: string): Function {
  const { prototype } = evaluate(`class extends Object { #cache = 1; ${source} }`);
  const name = Reflect.ownKeys(prototype).find((key) => key !== 'constructor');
  return Reflect.get(prototype, name!);
}

class Service {
  async issue(invoice: unknown): Promise<string> {
    return import.meta.url + String(invoice);
  }
}

const labelsOf = (method: Function) => readSignature(method)?.parameters.map(({ label }) => label);
const pathsOf = (method: Function) =>
  Object.fromEntries(
    readSignature(method)!.parameters.flatMap(({ bindings }, position) =>
      bindings.map(({ name, path }) => [name, path && [position, ...path].join('.')]),
    ),
  );

describe('readSignature', () => {
  it.each<[string, Function]>([
    ['a method', methodOf('issue(a) {}')],
    ['an async method', methodOf('async issue(a) {}')],
    ['a generator', methodOf('*items(a) {}')],
    ['an async generator', methodOf('async *items(a) {}')],
    ['a computed name', methodOf('["computed" + 1](a) {}')],
    ['a quoted name', methodOf('"quoted name"(a) {}')],
    ['a method called get', methodOf('get(a) {}')],
    ['a method called async', methodOf('async(a) {}')],
    ['a method called function', methodOf('function(a) {}')],
    ['a static method', Reflect.get(evaluate('class { static issue(a) {} }'), 'issue')],
    ['a private method', evaluate('class { static #x(a) {} static y = this.#x }.y')],
    ['a body with super', methodOf('toString(a) { return super.toString(a); }')],
    ['a body with private fields', methodOf('issue(a) { return #cache in this && a.#cache; }')],
    ['a body with new.target', methodOf('issue(a) { return new.target; }')],
    ['an anonymous function', evaluate('function (a) {}')],
    ['a generator function', evaluate('function* (a) {}')],
    ['an async function', evaluate('async function x(a) {}')],
    ['an arrow function', evaluate('(a) => a')],
    ['an arrow function without parentheses', evaluate('async a => { await a; }')],
    ['comments', evaluate('function /* (x) */ (/* y */ a /* = z */) { /* } */ }')],
  ])('reads %s', (_, method) => {
    expect(readSignature(method)).toEqual({
      parameters: [
        { label: 'a', isRest: false, bindings: [{ name: 'a', path: [], hasDefault: false }] },
      ],
      namesAreGone: false,
    });
  });

  it('reads a compiled method with import.meta', () => {
    expect(labelsOf(Reflect.get(Service.prototype, 'issue'))).toEqual(['invoice']);
  });

  it('is not misled by a toString of the function itself', () => {
    expect(labelsOf(Object.assign((a: unknown) => a, { toString: () => '(b) => b' }))).toEqual([
      'a',
    ]);
  });

  it('reads several parameters, defaults and a rest', () => {
    const { parameters } = readSignature(evaluate('(a, b = f(1, ")"), ...c) => {}'))!;
    expect(parameters).toEqual([
      { label: 'a', isRest: false, bindings: [{ name: 'a', path: [], hasDefault: false }] },
      { label: 'b', isRest: false, bindings: [{ name: 'b', path: [], hasDefault: true }] },
      { label: '...c', isRest: true, bindings: [{ name: 'c', path: null, hasDefault: false }] },
    ]);
  });

  it('leads from destructured names to their places', () => {
    const method = evaluate(
      `({ id, customer: { name: n }, 'x-y': xy, 0: zero }, [first, , { deep }]) => {}`,
    );
    expect(pathsOf(method)).toEqual({
      id: '0.id',
      n: '0.customer.name',
      xy: '0.x-y',
      zero: '0.0',
      first: '1.0',
      deep: '1.2.deep',
    });
  });

  it('knows which names no path leads to', () => {
    const method = evaluate(
      '({ a, [key]: b, ["c"]: c, ...others }, [d, ...tail], ...[e, f]) => {}',
    );
    expect(pathsOf(method)).toEqual({
      a: '0.a',
      b: null,
      c: '0.c',
      others: null,
      d: '1.0',
      tail: null,
      e: null,
      f: null,
    });
  });

  it('knows which names have a default', () => {
    const { parameters } = readSignature(evaluate('({ a, b = 1 }, { c } = {}) => {}'))!;
    const defaults = parameters.flatMap(({ bindings }) => bindings.map((b) => b.hasDefault));
    expect(defaults).toEqual([false, true, true]);
  });

  it('labels a pattern in one line and without its default', () => {
    expect(labelsOf(evaluate('({ id,\n   name }\n = {}) => {}'))).toEqual(['{ id, name }']);
  });

  it.each<[string, Function]>([
    ['(...args)', (...args: unknown[]) => args],
    ['() with arguments', evaluate('function () { return f.apply(this, arguments); }')],
  ])('tells that the names are gone: %s', (_, method) => {
    expect(readSignature(method)?.namesAreGone).toBe(true);
  });

  it.each([() => {}, (first: unknown, ...rest: unknown[]) => [first, rest]])(
    'tells that the names are there: %s',
    (method) => {
      expect(readSignature(method)?.namesAreGone).toBe(false);
    },
  );

  it.each<[string, Function]>([
    ['native code', Array.prototype.map],
    ['a bound function', evaluate('function (a) {}').bind({})],
    ['a Proxy', new Proxy(evaluate('function (a) {}'), {})],
    ['a class', Service],
    ['a class with one method', evaluate('class { issue(a) {} }')],
  ])('cannot read %s', (_, method) => {
    expect(readSignature(method)).toBeNull();
  });
});

describe('findBinding', () => {
  const signature = readSignature(evaluate('(a, { b: { c } }) => {}'))!;

  it('finds a name with its position', () => {
    expect(findBinding(signature, 'a')).toMatchObject({ position: 0, path: [] });
    expect(findBinding(signature, 'c')).toMatchObject({ position: 1, path: ['b', 'c'] });
  });

  it('finds nothing for a key that binds no name', () => {
    expect(findBinding(signature, 'b')).toBeUndefined();
  });
});
