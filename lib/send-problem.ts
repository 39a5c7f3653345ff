import type { ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import type { LockProblem } from './lock-problem.js';

type Body = Omit<LockProblem, 'retryAfter'>;

const PROBLEM_JSON = 'application/problem+json';

/**
 * Answers a request with problem details (RFC 9457), on any platform. What has begun can only be ended.
 *
 * Nest 11 needs care. Its Express makes `application/json` of every other type that is sent with an object
 * and a status at once. Its Fastify does not see that the handler wrote to Node's response itself, and
 * cannot answer a middleware, which has nothing but Node's response.
 *
 * @returns `false` if the answer had begun
 */
export function sendProblem(
  adapter: HttpServer,
  response: object,
  { retryAfter, ...body }: LockProblem,
): boolean {
  if (isBare(response)) return sendBare(response, body, retryAfter);
  const raw = 'raw' in response ? (response.raw as ServerResponse) : undefined;
  if (raw?.headersSent || (!raw && adapter.isHeadersSent(response))) {
    adapter.end(response);
    return false;
  }
  // Fastify answers nothing any more once a handler has hijacked the reply.
  if (raw && adapter.isHeadersSent(response)) return sendBare(raw, body, retryAfter);
  if (retryAfter !== undefined) adapter.setHeader(response, 'Retry-After', String(retryAfter));
  adapter.setHeader(response, 'Content-Type', PROBLEM_JSON);
  adapter.status(response, body.status);
  adapter.reply(response, body);
  return true;
}

/** Node's own response, of HTTP/1 or 2; the platforms' have `status()`. */
function isBare(response: object): response is ServerResponse {
  return !('status' in response) && 'writeHead' in response;
}

function sendBare(response: ServerResponse, body: Body, retryAfter: number | undefined): boolean {
  if (response.headersSent) {
    response.end();
    return false;
  }
  if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
  response.setHeader('Content-Type', PROBLEM_JSON);
  response.statusCode = body.status;
  response.end(JSON.stringify(body));
  return true;
}
