import { isArrayBuffer } from 'node:util/types';
import { refuseUnknownOptions } from '../../core/acquire-options.js';
import { describeValue } from '../../core/describe-value.js';
import type { Lock } from '../../core/lock.js';
import { LockLostError, LockOptionsError } from '../../lock.errors.js';
import type { LockService } from '../../lock.service.js';
import { parseFencingToken, tokenUnder } from '../fencing-token.js';
import { FENCING_TOKEN_HEADER } from './fencing-token.header.js';
import { mayTellStaleToken, parseJson, resourceOf, staleTokenOf } from './stale-answer.js';

/**
 * What is needed of the configuration of an axios request.
 *
 * @example
 * const only = ({ method }: AxiosRequestLike) => method !== 'get';
 */
export interface AxiosRequestLike {
  url?: string | undefined;
  baseURL?: string | undefined;
  method?: string | undefined;
  headers: { has(name: string): boolean; set(name: string, value: string): unknown };
  signal?: unknown;
}

/**
 * What is needed of an axios instance, so that this package does without axios.
 *
 * @example
 * const axios: AxiosLike = httpService.axiosRef;
 */
export interface AxiosLike<Config extends AxiosRequestLike = any> {
  readonly interceptors: {
    readonly request: {
      // As axios declares it, so that the type of its config is found.
      use(
        onFulfilled?: ((config: Config) => Config | Promise<Config>) | null,
        onRejected?: null,
        options?: { synchronous?: boolean },
      ): number;
      eject(id: number): void;
    };
    readonly response: {
      use(onFulfilled: (response: any) => any, onRejected: (error: any) => never): number;
      eject(id: number): void;
    };
  };
  getUri(config: any): string;
}

/**
 * Which requests get a token, and whose.
 *
 * @example
 * const options: AxiosFencingOptions = { only: ({ method }) => method !== 'get' };
 */
export interface AxiosFencingOptions<Config = AxiosRequestLike> {
  /** Which requests are fenced, such as those to one host. Default: all. */
  readonly only?: (config: Config) => boolean;
  /**
   * Of which name the lock is that fences the request: where locks are nested, or have several names.
   * A request outside of that lock is left alone. Default: the innermost lock, if it gives `undefined`.
   */
  readonly name?: (config: Config) => string | undefined;
}

const OPTIONS = new Set(['only', 'name']);

/**
 * Adds the `Fencing-Token` header to every request of an axios instance that is made under an exclusive
 * lock: within `withLock` or a decorated method. What is made elsewhere, or has the header, is left alone.
 *
 * The request ends when the lock is lost, which does not take back what was sent. An Observable of
 * `HttpService` makes its request when it is subscribed to: do that under the lock. `HttpModule` alone
 * is axios' own instance, which the whole process shares; `HttpModule.register({})` is one of yours.
 *
 * Requests then reject with: StaleFencingTokenError if the server refuses the token (a 412 whose JSON has
 * that error's `code`; of `responseType: 'stream'` or 'blob', the answer is yours to read), with axios' error as
 * `cause`; LockLostError if the lock is lost, before or meanwhile; LockOptionsError if the lock has
 * several names and `name` does not tell which is meant.
 *
 * @returns what removes it again
 * @throws LockOptionsError if it is no axios instance, or an option is none
 * @example
 * @Module({ imports: [HttpModule.register({ baseURL: 'https://ledger.example' })] })
 * export class LedgerModule implements OnModuleInit {
 *   constructor(
 *     private readonly http: HttpService,
 *     private readonly locks: LockService,
 *   ) {}
 *
 *   onModuleInit(): void {
 *     useFencingTokens(this.http.axiosRef, this.locks, { only: ({ method }) => method !== 'get' });
 *   }
 * }
 */
export function useFencingTokens<Config extends AxiosRequestLike = AxiosRequestLike>(
  axios: AxiosLike<Config>,
  locks: Pick<LockService, 'current'>,
  options: AxiosFencingOptions<Config> = {},
): () => void {
  check(axios, locks, options);
  const { only, name: nameOf } = options;
  const { request, response } = axios.interceptors;

  const addToken = (config: Config): Config => {
    if (config.headers.has(FENCING_TOKEN_HEADER) || (only && !only(config))) return config;
    const name = nameOf?.(config);
    const lock = locks.current(name, { mode: 'exclusive' });
    if (!lock) return config;
    lock.assertHeld();
    config.headers.set(FENCING_TOKEN_HEADER, String(tokenOf(lock, name)));
    config.signal = config.signal
      ? AbortSignal.any([config.signal as AbortSignal, lock.signal])
      : lock.signal;
    return config;
  };
  const staleOf = (answer: AxiosResponseLike | undefined, cause?: unknown): Error | undefined => {
    if (!answer || !mayTellStaleToken(answer.status, answer.headers?.['content-type'])) return;
    const sent: unknown = answer.config?.headers?.get?.(FENCING_TOKEN_HEADER);
    const token = parseFencingToken(String(sent));
    if (token === undefined) return undefined;
    const resource = resourceOf(axios.getUri(answer.config));
    return staleTokenOf(jsonOf(answer.data), resource, token, cause ? { cause } : undefined);
  };

  // It runs in the async context of whoever makes the request.
  const requestId = request.use(addToken);
  const responseId = response.use(
    (answer) => {
      const stale = staleOf(answer as AxiosResponseLike); // validateStatus may let it pass
      if (stale) throw stale;
      return answer as unknown;
    },
    (error: AxiosErrorLike | undefined) => {
      throw staleOf(error?.response, error) ?? lossOf(error) ?? error;
    },
  );
  return () => {
    request.eject(requestId);
    response.eject(responseId);
  };
}

interface AxiosResponseLike {
  readonly status: number;
  readonly headers?: Record<string, unknown>;
  readonly data?: unknown;
  readonly config?: { readonly headers?: { get?(name: string): unknown } };
}

interface AxiosErrorLike {
  readonly code?: string;
  readonly response?: AxiosResponseLike;
  readonly config?: { readonly signal?: AbortSignal };
}

function check(axios: AxiosLike, locks: Pick<LockService, 'current'>, options: object): void {
  const what = 'useFencingTokens';
  if (typeof axios?.interceptors?.request?.use !== 'function') {
    throw new LockOptionsError(
      `${what}: ${describeValue(axios)} is no axios instance; pass httpService.axiosRef, or what axios.create() gives.`,
    );
  }
  if (typeof locks?.current !== 'function') {
    throw new LockOptionsError(`${what}: ${describeValue(locks)} is no LockService; inject one.`);
  }
  refuseUnknownOptions(options, OPTIONS, what);
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || typeof value === 'function') continue;
    throw new LockOptionsError(
      `${what}: "${key}" is ${describeValue(value)}; write a function of the request's config.`,
    );
  }
}

function tokenOf(lock: Lock, name: string | undefined): number {
  const token = tokenUnder(lock, name);
  if (token !== undefined) return token;
  throw new LockOptionsError(
    `The request is made under the lock of "${lock.name}", which has a fencing token for each name: tell which ` +
      `is meant, as useFencingTokens(axios, locks, { name: (config) => … }), or set the header ${FENCING_TOKEN_HEADER}.`,
  );
}

/** Why the request was aborted, if a lost lock did it; axios' own error does not tell. */
function lossOf(error: AxiosErrorLike | undefined): Error | undefined {
  const reason: unknown = error?.config?.signal?.reason;
  if (error?.code !== 'ERR_CANCELED' || !(reason instanceof LockLostError)) return undefined;
  // The very error of the lock: withLock tells its own loss from others by it.
  return reason;
}

/** What was answered, whatever `responseType` has made of it. */
function jsonOf(data: unknown): unknown {
  if (typeof data === 'string') return parseJson(data);
  if (ArrayBuffer.isView(data) || isArrayBuffer(data)) {
    return parseJson(new TextDecoder().decode(data as Uint8Array | ArrayBuffer));
  }
  return data;
}
