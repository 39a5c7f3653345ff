import 'reflect-metadata';
import { types } from 'node:util';
import { Observable } from 'rxjs';
import { describeValue } from './core/describe-value.js';
import { LockOptionsError } from './lock.errors.js';

/**
 * What a decorated method returns.
 *
 * @example
 * @Locked('feed:<id>', { returns: 'observable' })
 */
export type MethodKind = 'promise' | 'observable' | 'async-generator';

type Method = (...args: unknown[]) => unknown;

const KINDS: readonly MethodKind[] = ['promise', 'observable', 'async-generator'];

/** Wrapped methods and what they wrap, for a second decorator of ours on the same method. */
const originals = new WeakMap<Method, Method>();

export function originalOf(method: Method): Method {
  return originals.get(method) ?? method;
}

/**
 * Puts `handle` before a method. Name, length, own properties and metadata of the method stay, so
 * that decorators above and below find what they look for.
 */
export function replaceMethod(
  method: Method,
  handle: (instance: object, args: readonly unknown[], proceed: () => unknown) => unknown,
): Method {
  const replaced = new Proxy(method, {
    apply: (target, instance: object, args: unknown[]) =>
      handle(instance, args, () => Reflect.apply(target, instance, args)),
  });
  for (const key of Reflect.getOwnMetadataKeys(method)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), replaced);
  }
  originals.set(replaced, originalOf(method));
  return replaced;
}

/**
 * Finds out what a method returns: from the option, its own kind, or its metadata. A method without
 * any of these counts as one that returns a promise, and is checked when it has returned.
 *
 * @throws LockOptionsError if it returns at once: a lock would have to change what it returns
 */
export function kindOfMethod(
  prototype: object,
  propertyKey: string | symbol,
  method: Method,
  returns: MethodKind | undefined,
  owner: string,
): MethodKind {
  if (returns !== undefined) {
    if (KINDS.includes(returns)) return returns;
    throw new LockOptionsError(
      `@Locked on ${owner}: "returns" is ${describeValue(returns)}; write one of '${KINDS.join("', '")}'.`,
    );
  }
  const original = originalOf(method);
  const isGenerator = types.isGeneratorFunction(original);
  if (types.isAsyncFunction(original)) return isGenerator ? 'async-generator' : 'promise';
  if (isGenerator) throw synchronous(owner, 'is a generator that is not async');
  if (!Reflect.hasMetadata('design:returntype', prototype, propertyKey)) return 'promise';
  const type: unknown = Reflect.getMetadata('design:returntype', prototype, propertyKey);
  if (isOrExtends(type, Promise)) return 'promise';
  if (isOrExtends(type, Observable)) return 'observable';
  // An interface, a union, or a type that was imported with `import type`.
  if (type === Object) return 'promise';
  if (typeof type === 'function') throw synchronous(owner, `returns ${type.name}`);
  throw synchronous(owner, 'returns nothing, or does not say what it returns');
}

function isOrExtends(type: unknown, base: Function): boolean {
  return typeof type === 'function' && (type === base || type.prototype instanceof base);
}

function synchronous(owner: string, what: string): LockOptionsError {
  return new LockOptionsError(
    `${owner} ${what}: @Locked needs a method that returns a promise, an Observable or an async generator, ` +
      `because a lock takes time. Make it async, write its return type, or set "returns" to '${KINDS.join("', '")}'.`,
  );
}
