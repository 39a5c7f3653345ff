// All about one name: who has it, who waits, and what is known of its outcome.
import { html } from './vendor.js';
import { useLive, withQuery } from './api.js';
import { ForceRelease, Resolve, useAsked } from './dialogs.js';
import { dateAndTime, number, plural, visible } from './format.js';
import { Age, Ago, Kind, Lease, Loaded, Owner, Permits, permitsTaken, Table } from './parts.js';

export function OneName({ shell, query }) {
  const name = query.get('name') ?? '';
  const kind = query.get('kind') ?? 'lock';
  const live = useLive(withQuery('name', { name, kind }), shell);
  return html`
    <p class="back"><a href="#/locks">Locks held now</a></p>
    <h1 class="name">${visible(name)}</h1>
    <${Loaded} live=${live}>${live.data && html`<${Facts} live=${live} shell=${shell} />`}<//>
  `;
}

function Facts({ live, shell }) {
  const { data } = live;
  const { kind, holders, permits, waiting, isReadOnly } = data;
  const [asked, ask, done] = useAsked(live);
  return html`
    <p class="card store">
      <${Kind} kind=${kind} units=${holders[0]?.units ?? 0} />
      ${kind === 'semaphore' && permits > 0 && html`<${Permits} taken=${permitsTaken(holders)} permits=${permits} />`}
      <span
        >${holders.length === 0 ? 'Nobody holds it.' : `Held by ${plural(holders.length, 'process', 'processes')}.`}</span
      >
      <span
        >${waiting === 0 ? 'Nobody waits.' : `${plural(waiting, 'process waits', 'processes wait')}.`}</span
      >
    </p>
    <${Holders} ...${{ data, shell, ask }} />
    <${Queue} ...${data} />
    ${data.outcome && html`<${Outcome} ...${{ outcome: data.outcome, isReadOnly, shell, ask }} />`}
    ${asked?.lease && html`<${ForceRelease} key=${asked} name=${data.name} kind=${kind} lease=${asked.lease} onEnd=${done} />`}
    ${asked?.outcome && html`<${Resolve} key=${asked} outcome=${asked.outcome} onEnd=${done} />`}
  `;
}

function Holders({ data: { name, kind, holders, isReadOnly, at }, shell, ask }) {
  if (holders.length === 0) return null;
  const isSemaphore = kind === 'semaphore';
  const head = ['Holder', 'Held for', 'Lease left', '#Fencing token'];
  if (isSemaphore) head.push('#Permits');
  if (!isReadOnly) head.push('Action');
  const row = (lease) => html`
    <tr key=${lease.fencingToken}>
      <th scope="row" data-label="Holder"><${Owner} of=${lease} /></th>
      <td data-label="Held for"><${Age} since=${lease.since} now=${shell.now} /></td>
      <td data-label="Lease left">
        <${Lease} lease=${lease} id=${name} passedMs=${shell.now - at} />
      </td>
      <td class="right number" data-label="Fencing token">${lease.fencingToken}</td>
      ${isSemaphore && html`<td class="right number" data-label="Permits">${number(lease.units)}</td>`}
      ${
        !isReadOnly &&
        html`<td data-label="Action">
          <button type="button" class="danger" onClick=${() => ask({ lease })}>Release by force …</button>
        </td>`
      }
    </tr>
  `;
  return html`
    <section aria-labelledby="holders">
      <h2 id="holders">Holders</h2>
      <${Table} caption="Holders" head=${head}>${holders.map(row)}<//>
    </section>
  `;
}

function Queue({ queue, waiting }) {
  if (waiting + queue.length === 0) return null;
  return html`
    <section aria-labelledby="queue">
      <h2 id="queue">Queue</h2>
      ${
        waiting > 0 &&
        queue.length === 0 &&
        html`<p class="hint">
          ${plural(waiting, 'process waits', 'processes wait')}; their order is not known here.
        </p>`
      }
      ${
        queue.length > 0 &&
        html`
          <ol class="card queue">
            ${queue.map(
              (waiter, i) => html`
                <li key=${i}>
                  <${Owner}
                    of=${waiter}
                  />${waiter.units > 1 && html`<small>${number(waiter.units)} permits</small>`}
                </li>
              `,
            )}
          </ol>
        `
      }
      ${waiting > queue.length && queue.length > 0 && html`<p class="hint">and ${number(waiting - queue.length)} more</p>`}
    </section>
  `;
}

function Outcome({ outcome, isReadOnly, shell, ask }) {
  const { state, attempts, processedAt, expiresAt, job } = outcome;
  return html`
    <section aria-labelledby="outcome">
      <h2 id="outcome">Outcome</h2>
      <p class="card store">
        <span class=${`state ${{ processed: 'good', unknown: 'late' }[state] ?? ''}`}
          >${state}</span
        >
        <span>of the job <b>${visible(job)}</b></span>
        ${processedAt !== null && html`<span>since <${Ago} at=${processedAt} now=${shell.now} /></span>`}
        <span
          >${expiresAt === null ? 'kept for ever' : `kept until ${dateAndTime(expiresAt)}`}</span
        >
        ${
          state === 'unknown' &&
          !isReadOnly &&
          html`<button type="button" onClick=${() => ask({ outcome })}>Resolve …</button>`
        }
      </p>
      <${Table} caption="Attempts" head=${['Attempt of', 'Began', '#Fencing token', 'Outcome']}>
        ${attempts.map(
          (attempt, i) => html`
            <tr key=${i}>
              <th scope="row" data-label="Attempt of"><${Owner} of=${attempt} /></th>
              <td data-label="Began"><${Ago} at=${attempt.since} now=${shell.now} /></td>
              <td class="right number" data-label="Fencing token">
                ${attempt.fencingToken || '–'}
              </td>
              <td data-label="Outcome">${attempt.outcome}</td>
            </tr>
          `,
        )}
      <//>
    </section>
  `;
}
