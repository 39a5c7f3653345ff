export type { FencedBy } from './fencing-token.js';
export { StaleFencingTokenError } from '../lock.errors.js';
