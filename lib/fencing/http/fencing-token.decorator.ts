import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { refuseUnknownOptions } from '../../core/acquire-options.js';
import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import { FencingTokenMissingException } from './fencing-token.exceptions.js';
import { tokenOfRequest } from './fencing-token.request.js';

/**
 * Whether a request may come without a token.
 *
 * @example
 * const options: FencingTokenOptions = { optional: true };
 */
export interface FencingTokenOptions {
  /** Gives `undefined` where the header is missing. Default: `false`. */
  readonly optional?: boolean;
}

const OPTIONS = new Set(['optional']);

const tokenParameter = createParamDecorator((isOptional: boolean, context: ExecutionContext) => {
  const token = tokenOfRequest(context, '@FencingToken');
  if (token === undefined && !isOptional) throw new FencingTokenMissingException();
  return token;
});

/**
 * The number in the `Fencing-Token` header of a request, to be handed to the transaction that writes.
 * Of HTTP and of GraphQL over HTTP; it needs no guard.
 *
 * @throws FencingTokenMissingException (428), FencingTokenMalformedException (400), when it is called
 * @throws LockOptionsError where no HTTP request stands behind the call; at once if an option is none
 * @example
 * @Put(':id')
 * async issue(@Param('id') id: string, @FencingToken() token: number): Promise<void> {
 *   await this.db.transaction(async (tx) => {
 *     await this.fence.assertFence(tx, `invoice:${id}`, token);
 *     await tx.query(`UPDATE invoice SET status = 'issued' WHERE id = $1`, [id]);
 *   });
 * }
 */
export function FencingToken(options: FencingTokenOptions = {}): ParameterDecorator {
  refuseUnknownOptions(options, OPTIONS, '@FencingToken');
  const { optional = false } = options;
  if (typeof optional !== 'boolean') {
    throw new LockOptionsError(
      `@FencingToken: "optional" is ${describeValue(optional)}; write true or false.`,
    );
  }
  return tokenParameter(optional);
}
