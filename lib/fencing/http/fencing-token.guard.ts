import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { FencingTokenMissingException } from './fencing-token.exceptions.js';
import { tokenOfRequest } from './fencing-token.request.js';

/**
 * Demands the `Fencing-Token` header of every request, before pipes look at the body: for a controller,
 * a handler or, as `APP_GUARD`, an application. Of HTTP and of GraphQL over HTTP.
 *
 * It does not know which token is the newest: that is the storage's to decide, in the transaction that writes.
 *
 * @throws FencingTokenMissingException (428), FencingTokenMalformedException (400)
 * @throws LockOptionsError where no HTTP request stands behind the call
 * @example
 * @UseGuards(FencingTokenGuard)
 * @Put(':id')
 * async issue(@Param('id') id: string, @FencingToken() token: number): Promise<void> {
 *   await this.db.transaction(async (tx) => {
 *     await this.fence.assertFence(tx, `invoice:${id}`, token);
 *     await tx.query(`UPDATE invoice SET status = 'issued' WHERE id = $1`, [id]);
 *   });
 * }
 */
@Injectable()
export class FencingTokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (tokenOfRequest(context, FencingTokenGuard.name) !== undefined) return true;
    throw new FencingTokenMissingException();
  }
}
