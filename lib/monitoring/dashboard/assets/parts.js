// What several views are made of.
import { html, useRef } from './vendor.js';
import { age, ago, dateAndTime, number, visible } from './format.js';

export const nameLink = (name, kind) => `#/name?${new URLSearchParams({ kind, name })}`;

export const Name = ({ name, kind }) =>
  html`<a class="name" href=${nameLink(name, kind)}>${visible(name)}</a>`;

export const Owner = ({ of }) => html`
  <span class="owner">
    <b>${visible(of.service)}</b>
    <small>${visible(of.host)} · pid ${of.pid}</small>
  </span>
`;

const MODES = { lock: ['Lock', 'exclusive'], shared: ['Shared', 'shared'] };

/** @param units of the lease: 0 is all there is. */
export function Kind({ kind, units }) {
  if (kind === 'semaphore') return html`<span class="tag permit">Semaphore</span>`;
  const [text, mode] = units > 0 ? MODES.shared : MODES.lock;
  return html`<span class=${`tag ${mode}`}>${text}</span>`;
}

export const Age = ({ since, now }) =>
  html`<time class="number" datetime=${new Date(since).toISOString()} title=${dateAndTime(since)}
    >${age(now - since)}</time
  >`;

export const Ago = ({ at, now }) =>
  html`<time class="number" datetime=${new Date(at).toISOString()} title=${dateAndTime(at)}
    >${ago(now - at)}</time
  >`;

/** What leases usually last, in seconds. */
const USUAL = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 86_400];

/** The longest that is known to have been left of a lease: about its ttl, which no lease tells. */
const longest = new Map();

/** What is left of a lease; renewals come at two thirds, so that less than a half is late. */
export function Lease({ lease, id, passedMs }) {
  const key = `${id} ${lease.fencingToken}`;
  const usualMs = 1_000 * (USUAL.find((seconds) => seconds * 1_000 >= lease.remainingMs) ?? 0);
  const fullMs = Math.max(longest.get(key) ?? usualMs, lease.remainingMs);
  if (longest.size > 5_000) longest.clear();
  longest.set(key, fullMs);
  const leftMs = Math.max(0, lease.remainingMs - passedMs);
  const part = fullMs === 0 ? 0 : leftMs / fullMs;
  const state = part < 0.2 ? 'bad' : part < 0.5 ? 'late' : '';
  const text = leftMs === 0 ? 'over' : age(leftMs + 999);
  return html`
    <span class="lease">
      <span class="bar" aria-hidden="true"
        ><i class=${state} style=${{ width: `${Math.round(part * 100)}%` }}></i
      ></span>
      <span class="number">${text}</span>
    </span>
  `;
}

export const Permits = ({ taken, permits }) => html`
  <span class="lease">
    <span class="bar" aria-hidden="true"
      ><i
        class=${permits > 0 && taken >= permits ? 'late' : ''}
        style=${{ width: `${permits > 0 ? Math.min(100, Math.round((taken / permits) * 100)) : 100}%` }}
      ></i
    ></span>
    <span class="number">${number(taken)}${permits > 0 ? ` of ${number(permits)}` : ''}</span>
  </span>
`;

export const permitsTaken = (holders) => holders.reduce((sum, { units }) => sum + units, 0);

export const Empty = ({ title, children }) => html`
  <div class="empty">
    <p><b>${title}</b></p>
    <p>${children}</p>
  </div>
`;

/** While nothing is there yet: nothing, a problem, or what is there. */
export function Loaded({ live, children }) {
  if (live.data) return children;
  if (!live.error) return html`<p class="alone" role="status">Asking …</p>`;
  return html`
    <div class="empty problem" role="alert">
      <p><b>${titleOf(live.error)}</b></p>
      <p>${live.error.message}</p>
      <p><button type="button" onClick=${live.again}>Ask again</button></p>
    </div>
  `;
}

export function titleOf({ status }) {
  if (status === 503) return 'The store cannot be asked';
  if (status === 401 || status === 403) return 'You may not see this';
  if (status === 400) return 'This cannot be asked';
  return 'There is no answer';
}

/** A table that is a list of cards on a phone. */
export const Table = ({ caption, head, children }) => html`
  <div class="scroll" tabindex="0" role="region" aria-label=${`${caption}, as a table`}>
    <table>
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head.map((title) => html`<th scope="col" class=${title.startsWith('#') ? 'right' : ''}>${title.replace('#', '')}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${children}
      </tbody>
    </table>
  </div>
`;

/** Pages are addresses, so that the browser goes back. */
export const Pager = ({ first, next, isFirst }) =>
  (!isFirst || next) &&
  html`
    <nav class="pager" aria-label="Pages">
      ${!isFirst && html`<a href=${first}>First page</a>`}
      ${next ? html`<a href=${next}>Next page</a>` : html`<span>This is the last page</span>`}
    </nav>
  `;

/** Keeps what it is given for as long as it is not told otherwise. */
export function useLast(value) {
  const last = useRef(value);
  if (value !== undefined) last.current = value;
  return last.current;
}
