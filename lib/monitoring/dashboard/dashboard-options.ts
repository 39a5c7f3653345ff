import type { CanActivate, FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import { describeValue } from '../../core/describe-value.js';
import { refuseUnknownOptions } from '../../core/acquire-options.js';
import { parseDuration, type Duration } from '../../core/duration.js';
import { LockOptionsError } from '../../lock.errors.js';

/**
 * What may be done on the page, and by whom.
 *
 * @example
 * const options: LockDashboardActions = { readOnly: false, actor: (request: Authenticated) => request.user.email };
 */
export interface LockDashboardActions {
  /** `false` allows to release locks by force and to resolve unknown outcomes. Default: true. */
  readonly readOnly?: boolean;
  /**
   * Who sends a request, for the audit trail; where it gives nothing or throws, the action is refused.
   * Default: the address that the request comes from.
   */
  actor?(this: void, request: object): string | undefined | Promise<string | undefined>;
  /** What the page is headed with, such as the environment: up to 60 characters. Default: none. */
  readonly title?: string;
  /** How old what is shown may be, and how often an open page asks: 500 ms to a minute. Default: 2 s. */
  readonly refresh?: Duration;
}

/**
 * Where the page is, and who may see it.
 *
 * @example
 * const place: LockDashboardPlace = { path: 'ops/locks', guards: [AdminGuard] };
 */
export interface LockDashboardPlace extends Pick<ModuleMetadata, 'imports'> {
  /** Below the application's global prefix. Default: `'locks'`. */
  readonly path?: string;
  /**
   * Classes or objects, as of `@UseGuards`; what they inject comes from `imports`. Without any, only clients
   * on the same machine are served.
   */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[];
  /** Default: none, so that the page is there whatever kind of versioning the application has. */
  readonly version?: string | readonly string[];
  /** The name of the `LockModule` whose locks are shown. Default: the one without a name. */
  readonly using?: string;
}

/**
 * Options of `LockDashboardModule.forRoot`.
 *
 * @example
 * LockDashboardModule.forRoot({ guards: [AdminGuard], readOnly: false });
 */
export interface LockDashboardOptions extends LockDashboardPlace, LockDashboardActions {}

/**
 * Options of `LockDashboardModule.forRootAsync`: routes and guards are fixed when the module is defined, the rest
 * comes from the factory.
 *
 * @example
 * const options: LockDashboardAsyncOptions = {
 *   guards: [AdminGuard],
 *   inject: [ConfigService],
 *   useFactory: (config: ConfigService) => ({ readOnly: config.get('LOCKS_READ_ONLY') !== 'false' }),
 * };
 */
export interface LockDashboardAsyncOptions extends LockDashboardPlace {
  readonly inject?: FactoryProvider['inject'];
  useFactory(
    this: void,
    ...injected: never[]
  ): LockDashboardActions | Promise<LockDashboardActions>;
}

export interface ResolvedPlace {
  readonly path: string;
  readonly guards: readonly (Type<CanActivate> | CanActivate)[];
  readonly version: string | string[] | undefined;
}

export interface ResolvedActions {
  readonly isReadOnly: boolean;
  readonly title: string;
  readonly refreshMs: number;
  readonly actor: LockDashboardActions['actor'];
}

const MODULE = 'LockDashboardModule';
const PLACE = ['path', 'guards', 'imports', 'version', 'using'];
const ACTIONS = ['readOnly', 'actor', 'title', 'refresh'];
const ASYNC = ['inject', 'useFactory'];
const REFRESH_BOUNDS = { min: 500, max: 60_000 } as const;
const PATH = /^[\w.~-]+(\/[\w.~-]+)*$/;

const refusal = (option: string, value: unknown, mend: string): LockOptionsError =>
  new LockOptionsError(`${MODULE} option "${option}" is ${describeValue(value)}; ${mend}.`);

/** @throws LockOptionsError if an option is none, or unknown */
export function resolveOptions(options: LockDashboardOptions): [ResolvedPlace, ResolvedActions] {
  refuseUnknownOptions(options, new Set([...PLACE, ...ACTIONS]), MODULE);
  const { readOnly, title, refresh, actor } = options;
  return [resolvePlace(options), resolveActions({ readOnly, title, refresh, actor })];
}

/** @throws LockOptionsError if an option is none, or unknown */
export function resolveAsyncOptions(options: LockDashboardAsyncOptions): ResolvedPlace {
  refuseUnknownOptions(options, new Set([...PLACE, ...ASYNC]), `${MODULE}.forRootAsync`);
  const { useFactory, inject = [] } = options;
  if (typeof useFactory !== 'function') {
    throw refusal('useFactory', useFactory, 'write a function that gives { readOnly, actor, … }');
  }
  if (!Array.isArray(inject)) throw refusal('inject', inject, 'write an array of tokens');
  return resolvePlace(options);
}

/** @throws LockOptionsError if an option is none, or unknown */
export function resolveActions(options: LockDashboardActions): ResolvedActions {
  refuseUnknownOptions(options, new Set(ACTIONS), `${MODULE}: what useFactory gave`);
  const { readOnly = true, title = '', refresh = 2_000, actor } = options;
  if (typeof readOnly !== 'boolean') {
    throw refusal('readOnly', readOnly, 'write false to allow actions, or leave it out');
  }
  if (actor !== undefined && typeof actor !== 'function') {
    throw refusal('actor', actor, 'write a function of the request, or leave it out');
  }
  if (typeof title !== 'string' || title.length > 60) {
    throw refusal('title', title, 'write a text of up to 60 characters, or leave it out');
  }
  const refreshMs = parseDuration(refresh, `${MODULE} option "refresh"`, REFRESH_BOUNDS);
  return { isReadOnly: readOnly, title, refreshMs, actor };
}

function resolvePlace({
  path = 'locks',
  guards = [],
  version,
  using,
}: LockDashboardPlace): ResolvedPlace {
  const trimmed = typeof path === 'string' ? path.replace(/^\/+|\/+$/g, '') : '';
  if (!PATH.test(trimmed)) {
    throw refusal(
      'path',
      path,
      "write a path such as 'ops/locks', of letters, digits, hyphens and slashes",
    );
  }
  if (!Array.isArray(guards)) {
    throw refusal('guards', guards, 'write an array of guards, such as [AdminGuard]');
  }
  for (const guard of guards as unknown[]) {
    const object: unknown = (guard as Type<CanActivate> | undefined)?.prototype ?? guard ?? {};
    if (typeof (object as { canActivate?: unknown }).canActivate === 'function') continue;
    throw refusal('guards', guard, 'every one of them is a class or an object with canActivate()');
  }
  const versions: unknown[] = Array.isArray(version) ? version : [version];
  if (version !== undefined && !versions.every((each) => typeof each === 'string' && each !== '')) {
    throw refusal('version', version, "write a version such as '1', or leave it out");
  }
  if (using !== undefined && (typeof using !== 'string' || using === '')) {
    throw refusal('using', using, 'write the name of a LockModule, or leave it out');
  }
  return {
    path: trimmed,
    guards: [...guards],
    version: version === undefined ? undefined : (versions as string[]),
  };
}
