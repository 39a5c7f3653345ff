import type { StoreLimits } from './core/store-limits.js';

/** A decorated method, as far as it concerns the service that it will run under. */
export interface LockedUse {
  /** Decorator, class and method, for messages. */
  readonly what: string;
  readonly method: string | symbol;
  readonly using: string | undefined;
  /** Where an instance has the service. */
  readonly property: symbol;
  /** Why the store behind the service cannot do it, if it cannot. */
  problemWith(limits: StoreLimits): string | undefined;
}

/** The uses of each class, by its prototype. */
const declared = new WeakMap<object, LockedUse[]>();

export function declareUse(prototype: object, use: LockedUse): void {
  const own = declared.get(prototype) ?? [];
  declared.set(prototype, [...own, use]);
}

/** What an object's class uses, and those that it extends; but for methods that another one has replaced. */
export function usesOf(object: object): LockedUse[] {
  return levelsOf(object).flatMap((level) =>
    (declared.get(level) ?? []).filter(({ method }) => ownerOf(object, method) === level),
  );
}

function ownerOf(object: object, method: string | symbol): object | undefined {
  return levelsOf(object).find((level) => Object.hasOwn(level, method));
}

function levelsOf(object: object): object[] {
  const levels: object[] = [];
  for (let level: object | null = object; level; level = Object.getPrototypeOf(level)) {
    levels.push(level);
  }
  return levels;
}
