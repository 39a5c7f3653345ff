// The store that locks stand on, and of several nodes each of them.
import { html } from './vendor.js';
import { useLive } from './api.js';
import { duration } from './format.js';
import { Table } from './parts.js';

const STATES = {
  voting: ['votes', 'good'],
  unreachable: ['out of reach', 'bad'],
  silent: ['does not answer', 'bad'],
  quarantined: ['in quarantine', 'late'],
  skewed: ['its clock is off', 'late'],
  suspect: ['its clock is being looked at', 'late'],
  blank: ['new', 'late'],
};
const REASONS = { restarted: 'restarted', emptied: 'emptied', 'clock-jump': 'its clock jumped' };
const HEAD = ['Node', 'State', '#Latency', '#Votes again in', '#Clock difference', 'Why'];

const offset = (ms) => `${ms < 0 ? '−' : '+'}${duration(Math.abs(ms))}`;

export function Store({ shell }) {
  const { data, error } = useLive('store', { isPaused: shell.isPaused });
  return html`
    <section aria-labelledby="store">
      <h2 id="store">Store</h2>
      ${!data && html`<p class="hint">${error ? error.message : 'Asking …'}</p>`}
      ${data && html`<${State} ...${data} />`}
      ${data?.nodes.length > 0 && html`<${Nodes} nodes=${data.nodes} />`}
    </section>
  `;
}

const State = ({ store, isReachable, latencyMs, error }) => html`
  <p class="card store">
    <span class=${`state ${isReachable ? 'good' : 'bad'}`}
      >${isReachable ? 'Answers' : 'Does not answer'}</span
    >
    <b>${store}</b>
    ${isReachable && html`<span class="number">in ${duration(latencyMs)}</span>`}
    ${!isReachable && html`<span>${error}</span>`}
  </p>
`;

const Nodes = ({ nodes }) => html`
  <${Table} caption="Nodes" head=${HEAD}>
    ${nodes.map(({ node, state, reason, latencyMs, votesInMs, clockOffsetMs, error }) => {
      const [text, level] = STATES[state] ?? [state, ''];
      return html`
        <tr key=${node}>
          <th scope="row" data-label="Node">${node}</th>
          <td data-label="State"><span class=${`state ${level}`}>${text}</span></td>
          <td class="right number" data-label="Latency">
            ${latencyMs === null ? '–' : duration(latencyMs)}
          </td>
          <td class="right number" data-label="Votes again in">
            ${votesInMs === null ? '–' : duration(votesInMs)}
          </td>
          <td class="right number" data-label="Clock difference">
            ${clockOffsetMs === null ? '–' : offset(clockOffsetMs)}
          </td>
          <td data-label="Why">${REASONS[reason] ?? error ?? '–'}</td>
        </tr>
      `;
    })}
  <//>
`;
