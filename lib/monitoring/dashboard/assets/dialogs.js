// What can be done, each in a dialog that says what it means.
import { html, useEffect, useRef, useState } from './vendor.js';
import { post } from './api.js';
import { canBeTyped, visible } from './format.js';
import { Owner } from './parts.js';

/**
 * What is being asked, how it is asked, and what to do when its dialog has closed: which the browser tells a moment
 * after it has gone from sight, when the next one may have been opened.
 */
export function useAsked(live) {
  const [asked, ask] = useState(undefined);
  const done = () => {
    ask((now) => (now === asked ? undefined : now));
    live.again();
  };
  return [asked, (what) => ask({ ...what }), done];
}

function Dialog({ title, onEnd, children }) {
  const dialog = useRef();
  useEffect(() => dialog.current.showModal(), []);
  // The focus goes back to the button that opened it, as it does for any dialog that is closed.
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${onEnd}>
      <h2 id="dialog-title">${title}</h2>
      ${children(() => dialog.current.close())}
    </dialog>
  `;
}

/** Sends an order once, and keeps what went wrong. */
function useOrder() {
  const [state, setState] = useState({});
  const send = async (path, body, onDone) => {
    setState({ isSending: true });
    try {
      await post(path, body);
      onDone();
    } catch (error) {
      setState({ problem: error.message });
    }
  };
  return { ...state, send };
}

const Problem = ({ text }) => html`<p class="problem" role="alert">${text}</p>`;

export function ForceRelease({ name, kind, lease, onEnd }) {
  const [typed, setTyped] = useState('');
  const order = useOrder();
  const expected = canBeTyped(name) ? name : String(lease.fencingToken);
  const { fencingToken } = lease;
  return html`
    <${Dialog} title="Release by force" onEnd=${onEnd}>
      ${(close) => html`
        <form
          onSubmit=${(event) => {
            event.preventDefault();
            if (typed === expected)
              order.send('force-release', { name, kind, fencingToken, typed }, close);
          }}
        >
          <p class="card"><b class="name">${visible(name)}</b><br /><${Owner} of=${lease} /></p>
          <p>
            The holder is told, at the latest with its next renewal. <b>Until then it may still be at work</b>, beside
            whoever comes next. Only the lease with fencing token <span class="number">${fencingToken}</span> is released.
          </p>
          <label>
            <span>Type <code>${expected}</code> to confirm</span>
            <input
              value=${typed}
              onInput=${(event) => setTyped(event.target.value)}
              autocomplete="off"
              autocapitalize="off"
              spellcheck=${false}
              autofocus
            />
          </label>
          ${order.problem && html`<${Problem} text=${order.problem} />`}
          <p class="actions">
            <button type="button" onClick=${close}>Cancel</button>
            <button type="submit" class="danger" disabled=${typed !== expected || order.isSending}>
              Release by force
            </button>
          </p>
        </form>
      `}
    <//>
  `;
}

const RETENTIONS = [
  ['30d', '30 days'],
  ['90d', '90 days'],
  ['365d', 'a year'],
  ['for ever', 'for ever'],
];

export function Resolve({ outcome: { name, attempts }, onEnd }) {
  const [decision, decide] = useState('');
  const [retention, keepFor] = useState('30d');
  const order = useOrder();
  const last = attempts.at(-1);
  const body = {
    name,
    fencingToken: last.fencingToken,
    decision,
    ...(decision === 'processed' && { retention }),
  };
  return html`
    <${Dialog} title="Resolve an unknown outcome" onEnd=${onEnd}>
      ${(close) => html`
        <form
          onSubmit=${(event) => {
            event.preventDefault();
            if (decision) order.send('resolve', body, close);
          }}
        >
          <p class="card"><b class="name">${visible(name)}</b><br /><${Owner} of=${last} /></p>
          <p>
            It was begun with fencing token <span class="number">${last.fencingToken}</span>, and
            nobody told how it ended. Find out first: whoever began it may be asleep, and go on.
          </p>
          <fieldset>
            <legend>What has become of it?</legend>
            <label>
              <input
                type="radio"
                name="decision"
                value="processed"
                onChange=${() => decide('processed')}
              />
              <span><b>It is done.</b> It is marked as processed, and not done again.</span>
            </label>
            <label>
              <input type="radio" name="decision" value="retry" onChange=${() => decide('retry')} />
              <span><b>It is not done.</b> It is open again, for whoever comes next.</span>
            </label>
          </fieldset>
          ${
            decision === 'processed' &&
            html`<label>
              <span>The mark is kept</span>
              <select value=${retention} onChange=${(event) => keepFor(event.target.value)}>
                ${RETENTIONS.map(([value, text]) => html`<option value=${value}>${text}</option>`)}
              </select>
            </label>`
          }
          ${order.problem && html`<${Problem} text=${order.problem} />`}
          <p class="actions">
            <button type="button" onClick=${close}>Cancel</button>
            <button type="submit" class="primary" disabled=${!decision || order.isSending}>
              Resolve
            </button>
          </p>
        </form>
      `}
    <//>
  `;
}
