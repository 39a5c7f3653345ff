import type { ContextType, ExecutionContext } from '@nestjs/common';
import { describeValue } from '../../core/describe-value.js';
import { LockOptionsError } from '../../lock.errors.js';
import { parseFencingToken } from '../fencing-token.js';
import { FencingTokenMalformedException } from './fencing-token.exceptions.js';
import { FENCING_TOKEN_HEADER } from './fencing-token.header.js';

type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The token that came with a request; `undefined` if it has no such header.
 *
 * @param reader who asks, for messages
 * @throws FencingTokenMalformedException if the header is none
 * @throws LockOptionsError if there is no HTTP request
 */
export function tokenOfRequest(context: ExecutionContext, reader: string): number | undefined {
  const header = headersOf(context, reader)[FENCING_TOKEN_HEADER.toLowerCase()];
  if (header === undefined) return undefined;
  const text = String(header);
  const token = parseFencingToken(text);
  if (token === undefined) throw new FencingTokenMalformedException(text);
  return token;
}

function headersOf(context: ExecutionContext, reader: string): RequestHeaders {
  const type = context.getType<ContextType | 'graphql'>();
  const request: unknown =
    type === 'http'
      ? context.switchToHttp().getRequest()
      : type === 'graphql'
        ? context.getArgByIndex<{ req?: unknown } | undefined>(2)?.req
        : undefined;
  const headers = (request as { headers?: RequestHeaders } | undefined)?.headers;
  if (headers) return headers;
  const handler = `${context.getClass().name}.${context.getHandler().name}`;
  throw new LockOptionsError(
    type === 'graphql'
      ? `${reader}: ${handler} has no request as "req" of its GraphQL context; a subscription has none, and elsewhere ` +
          'the "context" of GraphQLModule is to put it there.'
      : `${reader}: ${handler} is called by ${describeValue(type)}, which has no headers; use it where HTTP or GraphQL ` +
          'calls, and elsewhere put the fencing token into the message.',
  );
}
