/**
 * The half of fencing that belongs to the storage: SQL, Redis, HTTP and object stores.
 *
 * @module nestjs-locker/fencing
 */
export { FencedRowMissingError, StaleFencingTokenError } from '../lock.errors.js';
export type { FencedBy } from './fencing-token.js';
export {
  type AxiosFencingOptions,
  type AxiosLike,
  type AxiosRequestLike,
  useFencingTokens,
} from './http/axios-fencing.js';
export { fencedFetch } from './http/fenced-fetch.js';
export { FencingToken, type FencingTokenOptions } from './http/fencing-token.decorator.js';
export * from './http/fencing-token.exceptions.js';
export { FencingTokenGuard } from './http/fencing-token.guard.js';
export { FENCING_TOKEN_HEADER } from './http/fencing-token.header.js';
export {
  type FencedBody,
  fencedGet,
  type FencedObject,
  fencedPut,
} from './object-store/fenced-put.js';
export type * from './object-store/object-store.js';
export { FencedScript, type FencedScriptCall, type FencingRedis } from './redis/fenced-script.js';
export { fencedSet, type FencedSetOptions } from './redis/fenced-set.js';
export { assertFenced } from './sql/assert-fenced.js';
export { FenceColumn, type FenceColumnOptions } from './sql/fence-column.js';
export { FenceGuard, type FenceGuardOptions } from './sql/fence-guard.js';
export type { SqlDialect } from './sql/sql-statement.js';
export type { SqlTransaction } from './sql/sql-transaction.js';
export type { RedisValue } from '../stores/redis/redis-script.js';
