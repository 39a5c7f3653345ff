/** What INFO answers, as a map; the sections' headings are left out. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(':'));
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1)];
    }),
  );
}

/** Why keys may be evicted, and with them leases, which all have a ttl; `undefined` if none is. */
export function evictionProblem(policy: string | undefined): string | undefined {
  if (!policy || policy === 'noeviction') return undefined;
  return `may evict keys (maxmemory-policy ${policy})`;
}
