// All at a glance: how much is held and waited for, how the store is, who takes part, what happened.
import { html } from './vendor.js';
import { useLive } from './api.js';
import { Curves } from './curves.js';
import { Events } from './events.js';
import { duration, number, rate } from './format.js';
import { Ago, Empty, Loaded, Owner, Table } from './parts.js';
import { Store } from './store.js';

const THROUGHPUT = [
  { key: 'acquired', title: 'acquired' },
  { key: 'busy', title: 'busy' },
];
const WAITS = [
  { key: 'waitP95', title: '95 %' },
  { key: 'waitP50', title: 'half' },
];
const HINT = 'Curves begin when somebody looks at this page.';

const Figure = ({ title, value, note, href, state = '' }) => html`
  <div class=${`card figure ${state}`}>
    <dt>${title}</dt>
    <dd>
      <span class="number">${href ? html`<a href=${href}>${value}</a>` : value}</span>
      ${note && html`<small>${note}</small>`}
    </dd>
  </div>
`;

export function Overview({ shell }) {
  const live = useLive('overview', shell);
  return html`
    <h1>Overview</h1>
    <${Loaded} live=${live}>${live.data && html`<${Facts} data=${live.data} shell=${shell} />`}<//>
    <${Store} shell=${shell} />
    ${
      live.data &&
      html`
        <${Processes} data=${live.data} shell=${shell} />
        <section aria-labelledby="recent">
          <h2 id="recent">Recent events</h2>
          <${Events} events=${live.data.events} now=${shell.now} />
          ${live.data.events.length > 0 && html`<p><a href="#/events">All recent events</a></p>`}
        </section>
      `
    }
  `;
}

function Facts({ data }) {
  const { held, waiting, unknown, processCount, curves } = data;
  const last = curves.at(-1);
  return html`
    <dl class="figures">
      <${Figure} title="Held now" value=${number(held)} href="#/locks" note="locks and permits" />
      <${Figure} title="Waiting" value=${number(waiting)} note="calls" />
      <${Figure} title="Acquired" value=${last ? rate(last.acquired) : '–'} note="per second" />
      <${Figure}
        title="Lost"
        value=${last ? rate(last.lost) : '–'}
        note="per second"
        state=${last?.lost > 0 ? 'bad' : ''}
      />
      <${Figure}
        title="Unknown outcomes"
        value=${number(unknown)}
        href="#/jobs"
        note="begun, never ended"
        state=${unknown > 0 ? 'late' : ''}
      />
      <${Figure} title="Processes" value=${number(processCount)} note="that report" />
    </dl>
    <div class="pair">
      <${Curves}
        title="Throughput"
        points=${curves}
        lines=${THROUGHPUT}
        format=${(value) => `${rate(value)}/s`}
        hint=${HINT}
      />
      <${Curves}
        title="Wait time"
        points=${curves}
        lines=${WAITS}
        format=${duration}
        hint=${HINT}
      />
    </div>
  `;
}

const HEAD = ['Process', '#Held', '#Waiting', '#Acquired', '#Busy', '#Lost', 'Started', 'Reported'];

function Processes({ data: { processes, processCount }, shell: { now } }) {
  return html`
    <section aria-labelledby="processes">
      <h2 id="processes">Processes</h2>
      ${
        processes.length === 0 &&
        html`<${Empty} title="No process reports">
          Processes tell what they hold every few seconds, unless LockModule has the option reports:
          false.
        <//>`
      }
      ${
        processes.length > 0 &&
        html`
          <${Table} caption="Processes" head=${HEAD}>
            ${processes.map(
              (record) => html`
                <tr key=${record.id}>
                  <th scope="row" data-label="Process"><${Owner} of=${record} /></th>
                  <td class="right number" data-label="Held">${number(record.held)}</td>
                  <td class="right number" data-label="Waiting">${number(record.waiting)}</td>
                  <td class="right number" data-label="Acquired">${number(record.acquired)}</td>
                  <td class="right number" data-label="Busy">${number(record.busy)}</td>
                  <td class=${`right number ${record.lost > 0 ? 'bad' : ''}`} data-label="Lost">
                    ${number(record.lost)}
                  </td>
                  <td data-label="Started"><${Ago} at=${record.startedAt} now=${now} /></td>
                  <td data-label="Reported"><${Ago} at=${record.reportedAt} now=${now} /></td>
                </tr>
              `,
            )}
          <//>
        `
      }
      ${
        processCount > processes.length &&
        html`<p class="hint">and ${number(processCount - processes.length)} more</p>`
      }
    </section>
  `;
}
