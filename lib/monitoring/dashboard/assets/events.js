// What happened lately, in any process.
import { html } from './vendor.js';
import { useLive } from './api.js';
import { Ago, Empty, Loaded, Name } from './parts.js';

const LEVELS = {
  lost: 'bad',
  'compensation-failed': 'bad',
  'release-failed': 'late',
  leaked: 'late',
  forced: 'late',
  'outcome-unknown': 'late',
  node: 'late',
  polling: 'late',
  audit: 'accent',
};

export const Events = ({ events, now }) =>
  events.length === 0
    ? html`<${Empty} title="Nothing worth telling">
        Losses, forced releases, unknown outcomes and nodes that stop voting are told here.
      <//>`
    : html`
        <ol class="card events">
          ${events.map(
            (event, i) => html`
              <li key=${`${event.at} ${i}`}>
                <span class=${`tag ${LEVELS[event.type] ?? ''}`}>${event.type}</span>
                <p>${event.text}</p>
                <small>
                  <${Ago} at=${event.at} now=${now} /> · ${event.service} · pid ${event.pid}
                  ${event.name && html` · <${Name} name=${event.name} kind=${event.type === 'permits-changed' ? 'semaphore' : 'lock'} />`}
                </small>
              </li>
            `,
          )}
        </ol>
      `;

export function EventList({ shell }) {
  const live = useLive('events?limit=200', shell);
  return html`
    <h1>Events</h1>
    <${Loaded} live=${live}>
      ${live.data && html`<${Events} events=${live.data.events} now=${shell.now} />`}
    <//>
  `;
}
