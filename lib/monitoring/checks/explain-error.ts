import { NoAnswerError } from '../../core/within.js';
import { isRefusal } from '../../stores/redis/needed-rights.js';

/** What an error of a server means, without its hosts, and what to do about it. */
export interface Explanation {
  readonly text: string;
  readonly advice: string;
}

const explain = (text: string, advice: string): Explanation => ({ text, advice });

/** The first that fits; each by what servers and clients say. */
const MEANINGS: readonly [fits: RegExp | ((message: string) => boolean), Explanation][] = [
  [
    /\bREADONLY\b/,
    explain(
      'is a replica, which may not be written to',
      'Name the master, or the Sentinels of the group, instead of a replica.',
    ),
  ],
  [
    /\b(MOVED|CROSSSLOT)\b/,
    explain(
      'is one node of a Redis Cluster, and asked as if it were alone',
      'Give the module a client of the whole Cluster; the command: --cluster.',
    ),
  ],
  [
    /\bOOM\b/,
    explain(
      'has no memory left (maxmemory), and refuses writes',
      'Raise maxmemory, or remove what fills it. Do not let it evict keys: leases would be among them.',
    ),
  ],
  [
    /\bMISCONF\b/,
    explain(
      'refuses writes, since it could not save its data',
      "Look at the server's log and its disk.",
    ),
  ],
  [
    isRefusal,
    explain(
      'refuses what the module needs (ACL)',
      'Give its user the rights of the section "Permissions" in docs/considerations.md.',
    ),
  ],
  [
    /\b(NOAUTH|WRONGPASS)\b|invalid password|AUTH <password>/,
    explain('refuses the user or the password', 'Check user and password in its URL.'),
  ],
  [/\bLOADING\b/, explain('is still loading its data', 'Wait until it has.')],
  [
    /\b(CLUSTERDOWN|MASTERDOWN)\b/,
    explain(
      'serves no slots or has no master',
      'Look at CLUSTER INFO, and at the nodes that are down.',
    ),
  ],
  [
    /certificate|self.signed|\bTLS\b|\bSSL\b|wrong version number/i,
    explain(
      'speaks no TLS that this client trusts',
      'Write rediss:// where it speaks TLS and redis:// where not; a CA of your own is told by NODE_EXTRA_CA_CERTS.',
    ),
  ],
];

const CHECK_NETWORK = 'Check that it runs, its address, and the network between.';

/** What stands after the server's name in a sentence. */
export function explainError(error: Error): Explanation {
  const { message } = error;
  const known = MEANINGS.find(([fits]) =>
    typeof fits === 'function' ? fits(message) : fits.test(message),
  );
  if (known) return known[1];
  if (error instanceof NoAnswerError || /no answer within|ETIMEDOUT/.test(message)) {
    const within = error instanceof NoAnswerError ? ` within ${error.timeoutMs} ms` : ' in time';
    return explain(
      `gives no answer${within}`,
      'Look at whether it is overloaded or stopped, and at the network.',
    );
  }
  const [code] =
    /\b(ECONN[A-Z]+|E[A-Z]*UNREACH|ENOTFOUND|EAI_[A-Z]+|EPIPE|ENOENT)\b/.exec(message) ?? [];
  if (code) return explain(`cannot be reached (${code})`, CHECK_NETWORK);
  if (/connection|closed|Stream isn't writeable|sentinel/i.test(message)) {
    return explain('cannot be reached', CHECK_NETWORK);
  }
  const [refusal] = /\b[A-Z]{3,}\b/.exec(message) ?? [];
  return explain(
    `cannot be written to${refusal ? ` (${refusal})` : ''}`,
    "Look at the server's log, and at the error's own words.",
  );
}
