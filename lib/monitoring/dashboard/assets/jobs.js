// What is done once, by job; and of one job its elements.
import { html } from './vendor.js';
import { useLive, withQuery } from './api.js';
import { Resolve, useAsked } from './dialogs.js';
import { dateAndTime, number, visible } from './format.js';
import { Ago, Empty, Loaded, Name, Owner, Pager, Table } from './parts.js';

const STATES = ['unknown', 'running', 'processed'];
const link = (job, state, cursor) => withQuery('#/job', { job, state, cursor });

export function Jobs({ shell }) {
  const live = useLive('overview', shell);
  return html`
    <h1>Jobs</h1>
    <${Loaded} live=${live}>${live.data && html`<${List} jobs=${live.data.jobs} />`}<//>
  `;
}

const List = ({ jobs }) =>
  jobs.length === 0
    ? html`<${Empty} title="No job is known">
        What is done with <code>once</code>, or with <code>JobLockManager</code>, is listed here by
        its job.
      <//>`
    : html`
        <${Table} caption="Jobs" head=${['Job', '#Processed', '#Running', '#Unknown']}>
          ${jobs.map(
            (summary) => html`
              <tr key=${summary.job}>
                <th scope="row" data-label="Job">
                  <a
                    class="name"
                    href=${link(summary.job, summary.unknown > 0 ? 'unknown' : 'processed')}
                    >${visible(summary.job)}</a
                  >
                </th>
                ${['processed', 'running', 'unknown'].map(
                  (state) => html`
                    <td class="right number" data-label=${state}>
                      <a
                        class=${state === 'unknown' && summary.unknown > 0 ? 'late' : ''}
                        href=${link(summary.job, state)}
                        >${number(summary[state])}<span class="unseen">
                          ${state} of ${summary.job}</span
                        ></a
                      >
                    </td>
                  `,
                )}
              </tr>
            `,
          )}
        <//>
      `;

export function OneJob({ shell, query }) {
  const job = query.get('job') ?? '';
  const state = query.get('state') ?? 'unknown';
  const cursor = query.get('cursor') ?? '';
  const live = useLive(withQuery('outcomes', { job, state, cursor }), shell);
  return html`
    <p class="back"><a href="#/jobs">Jobs</a></p>
    <h1 class="name">${visible(job)}</h1>
    <nav class="choice" aria-label="State">
      ${STATES.map((each) => html`<a href=${link(job, each)} aria-current=${each === state ? 'true' : undefined}>${each}</a>`)}
    </nav>
    <${Loaded} live=${live}>
      ${live.data && html`<${Elements} ...${{ live, job, state, cursor, shell }} />`}
    <//>
  `;
}

const EMPTY = {
  unknown: [
    'Nothing is unknown',
    'Whatever was begun has been told how it ended, or is being worked on.',
  ],
  running: ['Nothing is being done', 'Nobody holds a lock of an element at the moment.'],
  processed: ['Nothing is processed', 'Or it was so long ago that it has been forgotten.'],
};

function Elements({ live, job, state, cursor, shell }) {
  const { outcomes, cursor: next, isReadOnly } = live.data;
  const [asked, ask, done] = useAsked(live);
  const canResolve = state === 'unknown' && !isReadOnly;
  const [title, text] = EMPTY[state] ?? EMPTY.unknown;
  const head = [
    'Element',
    state === 'processed' ? 'Processed' : 'Begun',
    'By',
    '#Fencing token',
    'Kept until',
  ];
  return html`
    ${outcomes.length === 0 && !next && html`<${Empty} title=${title}>${text}<//>`}
    ${
      outcomes.length > 0 &&
      html`
        <${Table} caption="Elements" head=${canResolve ? [...head, 'Action'] : head}>
          ${outcomes.map((outcome) => {
            const last = outcome.attempts.at(-1);
            const at = state === 'processed' ? outcome.processedAt : last?.since;
            return html`
              <tr key=${outcome.name}>
                <th scope="row" data-label="Element">
                  <${Name} name=${outcome.name} kind="lock" />
                </th>
                <td data-label=${head[1]}>
                  ${at ? html`<${Ago} at=${at} now=${shell.now} />` : '–'}
                </td>
                <td data-label="By">${last ? html`<${Owner} of=${last} />` : '–'}</td>
                <td class="right number" data-label="Fencing token">
                  ${last?.fencingToken || '–'}
                </td>
                <td class="number" data-label="Kept until">
                  ${outcome.expiresAt === null ? 'for ever' : dateAndTime(outcome.expiresAt)}
                </td>
                ${
                  canResolve &&
                  html`<td data-label="Action">
                    <button type="button" onClick=${() => ask(outcome)}>Resolve …</button>
                  </td>`
                }
              </tr>
            `;
          })}
        <//>
      `
    }
    <${Pager} first=${link(job, state)} next=${next && link(job, state, next)} isFirst=${!cursor} />
    ${asked && html`<${Resolve} key=${asked} outcome=${asked} onEnd=${done} />`}
  `;
}
