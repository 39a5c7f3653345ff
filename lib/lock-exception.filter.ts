import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { describeValue } from './core/describe-value.js';
import {
  type LockError,
  LockLostError,
  LockOptionsError,
  LockStoreError,
  StaleFencingTokenError,
} from './lock.errors.js';
import { ERRORS_WITH_PROBLEM, type LockProblem, lockProblemOf } from './lock-problem.js';
import { sendProblem } from './send-problem.js';

type Answer = (problem: LockProblem, host: ArgumentsHost) => unknown;

/** The part of a WebSocket client that is used: of socket.io, or a native one. */
interface WsClient {
  readonly readyState?: number;
  send?(text: string): void;
  emit?(event: string, payload: object): void;
}

/**
 * Answers errors of locks as the transport has it, in words of its own: an error's message names locks,
 * hosts and processes, and stays inside.
 *
 * - HTTP: problem details (RFC 9457, `application/problem+json`) with the error's `code`. Busy is 409, a
 *   full semaphore 429, an unreachable store, a shutdown and an aborted wait 503; 429 and 503 have
 *   `Retry-After`. A stale fencing token is 412, an unknown outcome 409, another fingerprint 422, a lock
 *   lost during the work 500.
 * - GraphQL: an error with `extensions.code`. For `@ResolveField` Nest asks filters only with
 *   `fieldResolverEnhancers: ['filters']`.
 * - Microservices: what an `RpcException` of `{ status: 'error', code, message }` gives.
 * - WebSockets: the event `exception` with `{ status: 'error', code, message, cause }`, as Nest has it; an
 *   acknowledgement is not called, as with any error.
 *
 * `LockModule` registers it for the whole application, before every filter of your own, so that each of
 * those goes first: one that catches everything, too. Nest does not apply global filters to gateways: write
 * `@UseFilters(LockExceptionFilter)` there; and to microservices of a hybrid application only with
 * `inheritAppConfig: true`.
 *
 * Other errors pass untouched: your own, and those that are faults of the program, such as wrong options.
 * An unreachable store and a lost lock are logged as errors, a stale token and a refused message of a
 * microservice as warnings.
 *
 * @throws LockOptionsError if it is made by hand with something else than Nest's `HttpAdapterHost`
 * @example
 * @UseFilters(LockExceptionFilter)
 * @WebSocketGateway()
 * export class InvoiceGateway {}
 * @example
 * app.useGlobalFilters(new LockExceptionFilter(app.get(HttpAdapterHost)));
 */
@Catch(...ERRORS_WITH_PROBLEM)
export class LockExceptionFilter implements ExceptionFilter<LockError> {
  private readonly logger = new Logger(LockExceptionFilter.name);
  private readonly answers: Partial<Record<string, Answer>> = {
    http: (problem, host) => {
      const isSent = sendProblem(
        this.adapterHost.httpAdapter,
        host.switchToHttp().getResponse(),
        problem,
      );
      if (!isSent) this.logger.warn(`An answer that had begun ends early: ${problem.title}.`);
    },
    graphql: graphqlError,
    rpc: (problem) => throwError(() => messageOf(problem)),
    ws: sendException,
  };

  constructor(private readonly adapterHost: HttpAdapterHost) {
    // Easily mixed up: Nest's own filters take the adapter itself.
    if (typeof adapterHost === 'object' && adapterHost && 'httpAdapter' in adapterHost) return;
    throw new LockOptionsError(
      `new LockExceptionFilter(…) got ${describeValue(adapterHost)}; pass app.get(HttpAdapterHost), ` +
        'or let Nest make it: @UseFilters(LockExceptionFilter).',
    );
  }

  /** @returns what the transport is to send; `undefined` where that is done, or left to the framework */
  catch(error: LockError, host: ArgumentsHost): unknown {
    const problem = lockProblemOf(error);
    // Only a subclass that catches more gets here with it.
    if (!problem) throw error;
    const type = host.getType<string>();
    const answer = this.answers[type];
    if (!answer || (type === 'http' && !this.isHttp(host))) return undefined;
    this.log(error, type);
    return answer(problem, host);
  }

  /** Contexts of others count as HTTP unless they say what they are, and have no response. */
  private isHttp(host: ArgumentsHost): boolean {
    const response = host.switchToHttp().getResponse<unknown>();
    return !!this.adapterHost.httpAdapter && typeof response === 'object' && response !== null;
  }

  private log(error: LockError, type: string): void {
    const isLoss = error instanceof LockLostError || error.cause instanceof LockLostError;
    if (isLoss || error instanceof LockStoreError) {
      // Not the error itself: it may carry what the work returned, or a client's request with its headers.
      this.logger.error(error.message, error.stack);
    } else if (error instanceof StaleFencingTokenError || type === 'rpc') {
      // Of a microservice all are told: an event has nobody to answer to, and looks like a request here.
      this.logger.warn(error.message);
    }
  }
}

/** GraphQL takes `extensions` over from any error. */
function graphqlError({ detail, code }: LockProblem): Error {
  return Object.assign(new Error(detail), { extensions: { code } });
}

function messageOf({ detail, code }: LockProblem): object {
  return { status: 'error', code, message: detail };
}

/** A native client has `emit` too, but that only tells its own listeners. */
function sendException(problem: LockProblem, host: ArgumentsHost): void {
  const ws = host.switchToWs();
  const client = ws.getClient<WsClient>();
  const cause = { pattern: ws.getPattern(), data: ws.getData<unknown>() };
  const data = { ...messageOf(problem), cause };
  if (typeof client.readyState === 'number' && client.send) {
    client.send(JSON.stringify({ event: 'exception', data }));
  } else {
    client.emit?.('exception', data);
  }
}
