import { HttpException } from '@nestjs/common';
import { describeValue } from '../../core/describe-value.js';
import { FENCING_TOKEN_HEADER } from './fencing-token.header.js';

/** Answered by Nest itself, so that the status is right without a filter too; the body is that of RFC 9457. */
abstract class FencingTokenException extends HttpException {
  /** What GraphQL tells of an error, besides the message. */
  readonly extensions: { readonly code: string };

  constructor(status: number, type: string, title: string, code: string, detail: string) {
    super({ type, title, status, detail, code }, status);
    this.message = detail;
    this.extensions = { code };
  }
}

/**
 * A request came without the `Fencing-Token` header, and must not without: 428, RFC 6585.
 *
 * @example
 * catch (error) { if (error instanceof FencingTokenMissingException) … } // in a filter of your own
 */
export class FencingTokenMissingException extends FencingTokenException {
  constructor() {
    super(
      428,
      'urn:nestjs-locker:fencing-token-missing',
      'Fencing token missing',
      'FENCING_TOKEN_MISSING',
      `The request has no ${FENCING_TOKEN_HEADER} header: send the fencing token of the lock under which it is made.`,
    );
  }
}

/**
 * The `Fencing-Token` header of a request is no token: 400.
 *
 * @example
 * catch (error) { if (error instanceof FencingTokenMalformedException) … } // in a filter of your own
 */
export class FencingTokenMalformedException extends FencingTokenException {
  constructor(value: string) {
    super(
      400,
      'urn:nestjs-locker:fencing-token-malformed',
      'Fencing token malformed',
      'FENCING_TOKEN_MALFORMED',
      `The ${FENCING_TOKEN_HEADER} header is ${describeValue(value)}: send one whole number from 1 to 2^53 - 1, as ` +
        'decimal digits alone.',
    );
  }
}
