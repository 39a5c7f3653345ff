import type { HttpServer } from '@nestjs/common';

/** Of every answer: nothing but what the page itself has may run, be shown, or be shown within another page. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Texts never become markup, whatever a script of the page does with them.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** What the headers are for; data is never kept, and the files are asked for anew each time. */
export function setHeaders(
  adapter: HttpServer,
  response: object,
  type: string,
  caching: 'no-store' | 'no-cache',
): void {
  for (const [name, value] of Object.entries(HEADERS)) adapter.setHeader!(response, name, value);
  adapter.setHeader!(response, 'content-type', type);
  adapter.setHeader!(response, 'cache-control', caching);
}
