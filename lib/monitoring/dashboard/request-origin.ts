import { rawRequest } from './loopback.guard.js';

const headerOf = (request: object, name: string): string | undefined => {
  const value = rawRequest(request).headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** Why data is not told: a page of another origin asks, in somebody's browser. Programs send no such header. */
export function refuseForeignReader(request: object): string | undefined {
  const site = headerOf(request, 'sec-fetch-site');
  if (site === 'same-origin' || site === 'none') return undefined;
  if (site === undefined) {
    // Over plain HTTP browsers tell only where else a page is from.
    const origin = headerOf(request, 'origin');
    if (origin === undefined || hostOf(origin) === headerOf(request, 'host')) return undefined;
    return 'Only the page itself may ask for this, and Origin is another.';
  }
  return `Only the page itself may ask for this, and Sec-Fetch-Site is "${site}".`;
}

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;

/** Why an action is refused: it has to be proven that the page itself sends it. */
export function refuseForeignAction(request: object): string | undefined {
  const site = headerOf(request, 'sec-fetch-site');
  if (site !== 'same-origin') {
    return (
      `Actions are taken from the page itself only, and Sec-Fetch-Site is ${site === undefined ? 'missing' : `"${site}"`}. ` +
      'Browsers send it over HTTPS, and to localhost.'
    );
  }
  const type = headerOf(request, 'content-type') ?? '';
  if (/^application\/json\s*(;|$)/i.test(type)) return undefined;
  return 'Actions are sent as application/json.';
}
