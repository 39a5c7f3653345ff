import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, ForbiddenException } from '@nestjs/common';

const MEND =
  'Open it on the machine itself, or give LockDashboardModule guards that say who may see it.';

/** What proxies add: where one is there, everybody seems to be on this machine. */
const FORWARDED =
  /^(x-forwarded|forwarded$|via$|x-real-ip$|x-client-ip$|x-cluster-client-ip$|x-original-|true-client-ip$|cf-connecting-ip$|x-envoy-|x-amzn-trace-id$)/;

const LOOPBACK_ADDRESS = /^(::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;
/** Other names may lead here from any web site, by a DNS of its own. */
const LOOPBACK_HOST = /^(([\w-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])\.?(:\d+)?$/i;

/** Serves clients on this machine alone: what stands before a page that has no guards. */
export class LoopbackGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const refusal = refusalOf(rawRequest(context.switchToHttp().getRequest<object>()));
    if (refusal === undefined) return true;
    throw new ForbiddenException(`${refusal} ${MEND}`);
  }
}

/** Node's own request: what platforms make of it may believe a proxy. */
export function rawRequest(request: object): IncomingMessage {
  return 'raw' in request ? (request.raw as IncomingMessage) : (request as IncomingMessage);
}

function refusalOf({ socket, headers, httpVersion }: IncomingMessage): string | undefined {
  if (!LOOPBACK_ADDRESS.test(socket?.remoteAddress ?? '')) {
    return 'This page has no guards, so that it is served to clients on the same machine only.';
  }
  const forwarded = Object.keys(headers).find((header) => FORWARDED.test(header));
  if (forwarded !== undefined || httpVersion === '1.0') {
    const sign = forwarded === undefined ? 'HTTP/1.0' : `the header ${forwarded}`;
    return `This page has no guards, and the request seems to come through a proxy (${sign}).`;
  }
  if (!LOOPBACK_HOST.test(headers.host ?? headers[':authority']?.toString() ?? '')) {
    return 'This page has no guards, and is served under localhost, 127.0.0.1 and [::1] only.';
  }
  return undefined;
}
