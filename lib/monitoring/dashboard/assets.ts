// Made by scripts/embed-dashboard.mjs from the files in assets/; change those.

export const pageHtml = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="robots" content="noindex" />
    <title>{{title}}</title>
    <link rel="icon" href="{{base}}icon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="{{base}}style.css" />
    <script type="module" src="{{base}}app.js"></script>
  </head>
  <body>
    <div id="app"><p class="alone">The locks are being asked for …</p></div>
    <noscript
      ><p class="alone">
        This page needs JavaScript, which comes from this server alone.
      </p></noscript
    >
  </body>
</html>
`;

export const files: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  'api.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// Asks the server again and again for what is shown, while somebody looks.
import { useEffect, useRef, useState } from './vendor.js';

const API = new URL('api/', import.meta.url);
const GIVE_UP_MS = 15_000;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

export class AnswerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function send(path, options) {
  const signal = AbortSignal.any([AbortSignal.timeout(GIVE_UP_MS), options.signal].filter(Boolean));
  let response;
  try {
    response = await fetch(new URL(path, API), { ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new AnswerError(0, 'The application does not answer.');
  }
  const body = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body;
  const told = typeof body?.message === 'string' ? body.message : response.statusText;
  if (response.ok) throw new AnswerError(0, 'The answer is not what was asked for. Log in again?');
  throw new AnswerError(response.status, told || \`The answer has status \${response.status}.\`);
}

export const get = (path, signal) => send(path, { signal });

export const post = (path, body) =>
  send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** A path with a query of those values that there are. */
export function withQuery(path, values) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value) query.set(key, value);
  return query.size === 0 ? path : \`\${path}?\${query}\`;
}

const untilVisible = (signal) =>
  new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look, { signal });
    signal.addEventListener('abort', resolve);
    look();
  });

const sleep = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()));
  });

/**
 * What a path answers, as new as it can be had. It is not asked while the page is hidden or paused; where it fails,
 * less and less often, and what was there last stays.
 */
export function useLive(path, { isPaused, onAnswer }) {
  const [state, setState] = useState({ path, data: undefined, error: undefined });
  const [turn, setTurn] = useState(0);
  const tell = useRef(onAnswer);
  tell.current = onAnswer;

  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    const run = async () => {
      let pause = FIRST_PAUSE_MS;
      let failures = 0;
      while (!signal.aborted) {
        await untilVisible(signal);
        if (signal.aborted) return;
        try {
          const data = await get(path, signal);
          if (signal.aborted) return;
          failures = 0;
          pause = data.refreshMs ?? FIRST_PAUSE_MS;
          setState({ path, data, error: undefined });
          tell.current?.(data, undefined);
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          setState((was) => ({ path, data: was.path === path ? was.data : undefined, error }));
          tell.current?.(undefined, error);
        }
        if (isPaused) return;
        await sleep(Math.min(pause * 2 ** Math.min(failures, 6), LONGEST_PAUSE_MS), signal);
      }
    };
    void run();
    return () => end.abort();
  }, [path, isPaused, turn]);

  const isOther = state.path !== path;
  return {
    data: state.data,
    error: isOther ? undefined : state.error,
    isLoading: isOther || (!state.data && !state.error),
    again: () => setTurn((number) => number + 1),
  };
}

/** The present time, for ages that go on between two answers. */
export function useNow(isPaused) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (isPaused) return undefined;
    const timer = setInterval(() => !document.hidden && setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [isPaused]);
  return now;
}
`,
  },
  'app.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// The frame around the views, which are parts of the address.
import { html, render, useCallback, useEffect, useRef, useState } from './vendor.js';
import { useNow } from './api.js';
import { EventList } from './events.js';
import { age, timeOfDay } from './format.js';
import { Held } from './held.js';
import { Jobs, OneJob } from './jobs.js';
import { OneName } from './name.js';
import { Overview } from './overview.js';
import { titleOf } from './parts.js';

const VIEWS = {
  '/': [Overview, 'Overview'],
  '/locks': [Held, 'Locks'],
  '/name': [OneName, 'Name', '/locks'],
  '/jobs': [Jobs, 'Jobs'],
  '/job': [OneJob, 'Job', '/jobs'],
  '/events': [EventList, 'Events'],
};
const TABS = [
  ['/', 'Overview'],
  ['/locks', 'Locks'],
  ['/jobs', 'Jobs'],
  ['/events', 'Events'],
];

function place() {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?', 2);
  return { path: Object.hasOwn(VIEWS, path) ? path : '/', query: new URLSearchParams(query) };
}

function usePlace() {
  const [present, setPresent] = useState(place);
  useEffect(() => {
    const look = () => location.hash !== '#main' && setPresent(place());
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return present;
}

function App() {
  const { path, query } = usePlace();
  const [isPaused, setPaused] = useState(false);
  const [news, setNews] = useState({});
  const clock = useNow(isPaused);
  const main = useRef();
  const isFirst = useRef(true);

  const onAnswer = useCallback((data, error) => {
    setNews((was) => ({
      title: data?.title ?? was.title,
      isReadOnly: data?.isReadOnly ?? was.isReadOnly,
      // Of the server's clock to this machine's.
      skewMs: data ? data.now - Date.now() : was.skewMs,
      at: data ? Date.now() - (data.now - data.at) : was.at,
      error,
    }));
  }, []);

  const [View, title, tab = path] = VIEWS[path];
  useEffect(() => {
    document.title = [news.title, title, 'Locks'].filter(Boolean).join(' · ');
  }, [news.title, title]);
  // Another view is read from its beginning; the first one is, by itself.
  useEffect(() => {
    setNews((was) => ({ ...was, at: undefined, error: undefined }));
    if (!isFirst.current) main.current.focus();
    isFirst.current = false;
  }, [path]);

  const shell = { isPaused, onAnswer, now: clock + (news.skewMs ?? 0) };
  return html\`
    <a
      class="skip"
      href="#main"
      onClick=\${(event) => (event.preventDefault(), main.current.focus())}
      >Skip to the content</a
    >
    <header>
      <p class="brand">
        <img src=\${new URL('icon.svg', import.meta.url).href} alt="" width="22" height="22" /> Locks
      </p>
      \${news.title && html\`<p class="tag accent">\${news.title}</p>\`}
      <nav aria-label="Views">
        \${TABS.map(([to, text]) => html\`<a href=\${\`#\${to}\`} aria-current=\${to === tab ? 'page' : undefined}>\${text}</a>\`)}
      </nav>
      <p class="live">
        <span class=\${\`state \${news.error ? 'bad' : isPaused ? 'late' : 'good'}\`}>
          \${news.error ? 'Stale' : isPaused ? 'Paused' : 'Live'}
        </span>
        <button type="button" aria-pressed=\${isPaused} onClick=\${() => setPaused(!isPaused)}>
          Pause
        </button>
      </p>
    </header>
    <main id="main" tabindex="-1" ref=\${main}>
      <div role="status">
        \${news.error && news.at && html\`<\${Stale} error=\${news.error} at=\${news.at} now=\${clock} />\`}
      </div>
      <\${View} key=\${path} shell=\${shell} query=\${query} />
    </main>
    <footer>
      <p>
        \${news.isReadOnly === false ? 'What is done here is told to everybody, with who did it.' : 'This page is read-only.'}
      </p>
    </footer>
  \`;
}

const Stale = ({ error, at, now }) => html\`
  <div class="stale">
    <p><b>\${titleOf(error)}.</b> \${error.message}</p>
    <p>What is shown is as of \${timeOfDay(at)}, \${age(now - at)} ago.</p>
  </div>
\`;

const root = document.getElementById('app');
root.replaceChildren();
render(html\`<\${App} />\`, root);
`,
  },
  'curves.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// Curves over the last minutes, as paths of our own.
import { html } from './vendor.js';
import { timeOfDay } from './format.js';

const WIDTH = 600;
const HEIGHT = 120;
const SPAN_MS = 600_000;
const LEAST_SPAN_MS = 60_000;

/** The least of 1, 2 and 5 times a power of ten that is not below. */
function niceTop(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= value);
}

/** Where there is no value, the line is broken. */
function pathOf(points, key, x, y) {
  let path = '';
  let isDown = false;
  for (const point of points) {
    const value = point[key];
    if (value === null) {
      isDown = false;
      continue;
    }
    path += \`\${isDown ? 'L' : 'M'}\${x(point.atMs).toFixed(1)} \${y(value).toFixed(1)}\`;
    // A value on its own is a dot.
    if (!isDown) path += 'h0.01';
    isDown = true;
  }
  return path;
}

/** @param lines each with a key of the points, a title, and how its values are written */
export function Curves({ title, points, lines, format, hint }) {
  const last = points.at(-1);
  const end = last?.atMs ?? 0;
  const first = points.find(({ atMs }) => atMs >= end - SPAN_MS)?.atMs ?? end;
  const begin = Math.min(first, end - LEAST_SPAN_MS);
  const shown = points.filter(({ atMs }) => atMs >= begin);
  const values = shown.flatMap((point) => lines.map(({ key }) => point[key] ?? 0));
  const top = niceTop(Math.max(0, ...values));
  const x = (atMs) => ((atMs - begin) / (end - begin || 1)) * WIDTH;
  const y = (value) => HEIGHT - (value / top) * HEIGHT;
  const now = (key) => (last && last[key] !== null ? format(last[key]) : '–');
  const summary = lines.map(({ key, title: line }) => \`\${line} \${now(key)}\`).join(', ');

  return html\`
    <figure class="card curves">
      <figcaption>
        <h2>\${title}</h2>
        <ul class="legend">
          \${lines.map(
            ({ key, title: line }, i) =>
              html\`<li>
                <i class=\${\`line\${i}\`} aria-hidden="true"></i>\${line} <b class="number">\${now(key)}</b>
              </li>\`,
          )}
        </ul>
      </figcaption>
      \${
        shown.length < 2
          ? html\`<p class="hint">\${hint}</p>\`
          : html\`
              <div class="plot">
                <span class="top number" aria-hidden="true">\${format(top)}</span>
                <span class="bottom number" aria-hidden="true">0</span>
                <svg
                  viewBox=\${\`0 0 \${WIDTH} \${HEIGHT}\`}
                  preserveAspectRatio="none"
                  role="img"
                  aria-label=\${\`\${title}: now \${summary}\`}
                >
                  <path
                    class="grid"
                    d=\${\`M0 0H\${WIDTH}M0 \${HEIGHT / 2}H\${WIDTH}M0 \${HEIGHT}H\${WIDTH}\`}
                  />
                  <path class="area" d=\${areaOf(shown, lines[0].key, x, y)} />
                  \${lines.map(({ key }, i) => html\`<path class=\${\`line\${i}\`} d=\${pathOf(shown, key, x, y)} />\`)}
                </svg>
              </div>
              <p class="times number" aria-hidden="true">
                <span>\${timeOfDay(begin)}</span><span>\${timeOfDay(end)}</span>
              </p>
            \`
      }
    </figure>
  \`;
}

function areaOf(points, key, x, y) {
  const there = points.filter((point) => point[key] !== null);
  if (there.length < points.length || there.length < 2) return '';
  const line = there.map((point) => \`L\${x(point.atMs).toFixed(1)} \${y(point[key]).toFixed(1)}\`);
  return \`M\${x(there[0].atMs).toFixed(1)} \${HEIGHT}\${line.join('')}L\${x(there.at(-1).atMs).toFixed(1)} \${HEIGHT}Z\`;
}
`,
  },
  'dialogs.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// What can be done, each in a dialog that says what it means.
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
  return html\`
    <dialog ref=\${dialog} aria-labelledby="dialog-title" onClose=\${onEnd}>
      <h2 id="dialog-title">\${title}</h2>
      \${children(() => dialog.current.close())}
    </dialog>
  \`;
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

const Problem = ({ text }) => html\`<p class="problem" role="alert">\${text}</p>\`;

export function ForceRelease({ name, kind, lease, onEnd }) {
  const [typed, setTyped] = useState('');
  const order = useOrder();
  const expected = canBeTyped(name) ? name : String(lease.fencingToken);
  const { fencingToken } = lease;
  return html\`
    <\${Dialog} title="Release by force" onEnd=\${onEnd}>
      \${(close) => html\`
        <form
          onSubmit=\${(event) => {
            event.preventDefault();
            if (typed === expected)
              order.send('force-release', { name, kind, fencingToken, typed }, close);
          }}
        >
          <p class="card"><b class="name">\${visible(name)}</b><br /><\${Owner} of=\${lease} /></p>
          <p>
            The holder is told, at the latest with its next renewal. <b>Until then it may still be at work</b>, beside
            whoever comes next. Only the lease with fencing token <span class="number">\${fencingToken}</span> is released.
          </p>
          <label>
            <span>Type <code>\${expected}</code> to confirm</span>
            <input
              value=\${typed}
              onInput=\${(event) => setTyped(event.target.value)}
              autocomplete="off"
              autocapitalize="off"
              spellcheck=\${false}
              autofocus
            />
          </label>
          \${order.problem && html\`<\${Problem} text=\${order.problem} />\`}
          <p class="actions">
            <button type="button" onClick=\${close}>Cancel</button>
            <button type="submit" class="danger" disabled=\${typed !== expected || order.isSending}>
              Release by force
            </button>
          </p>
        </form>
      \`}
    <//>
  \`;
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
  return html\`
    <\${Dialog} title="Resolve an unknown outcome" onEnd=\${onEnd}>
      \${(close) => html\`
        <form
          onSubmit=\${(event) => {
            event.preventDefault();
            if (decision) order.send('resolve', body, close);
          }}
        >
          <p class="card"><b class="name">\${visible(name)}</b><br /><\${Owner} of=\${last} /></p>
          <p>
            It was begun with fencing token <span class="number">\${last.fencingToken}</span>, and
            nobody told how it ended. Find out first: whoever began it may be asleep, and go on.
          </p>
          <fieldset>
            <legend>What has become of it?</legend>
            <label>
              <input
                type="radio"
                name="decision"
                value="processed"
                onChange=\${() => decide('processed')}
              />
              <span><b>It is done.</b> It is marked as processed, and not done again.</span>
            </label>
            <label>
              <input type="radio" name="decision" value="retry" onChange=\${() => decide('retry')} />
              <span><b>It is not done.</b> It is open again, for whoever comes next.</span>
            </label>
          </fieldset>
          \${
            decision === 'processed' &&
            html\`<label>
              <span>The mark is kept</span>
              <select value=\${retention} onChange=\${(event) => keepFor(event.target.value)}>
                \${RETENTIONS.map(([value, text]) => html\`<option value=\${value}>\${text}</option>\`)}
              </select>
            </label>\`
          }
          \${order.problem && html\`<\${Problem} text=\${order.problem} />\`}
          <p class="actions">
            <button type="button" onClick=\${close}>Cancel</button>
            <button type="submit" class="primary" disabled=\${!decision || order.isSending}>
              Resolve
            </button>
          </p>
        </form>
      \`}
    <//>
  \`;
}
`,
  },
  'events.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// What happened lately, in any process.
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
    ? html\`<\${Empty} title="Nothing worth telling">
        Losses, forced releases, unknown outcomes and nodes that stop voting are told here.
      <//>\`
    : html\`
        <ol class="card events">
          \${events.map(
            (event, i) => html\`
              <li key=\${\`\${event.at} \${i}\`}>
                <span class=\${\`tag \${LEVELS[event.type] ?? ''}\`}>\${event.type}</span>
                <p>\${event.text}</p>
                <small>
                  <\${Ago} at=\${event.at} now=\${now} /> · \${event.service} · pid \${event.pid}
                  \${event.name && html\` · <\${Name} name=\${event.name} kind=\${event.type === 'permits-changed' ? 'semaphore' : 'lock'} />\`}
                </small>
              </li>
            \`,
          )}
        </ol>
      \`;

export function EventList({ shell }) {
  const live = useLive('events?limit=200', shell);
  return html\`
    <h1>Events</h1>
    <\${Loaded} live=\${live}>
      \${live.data && html\`<\${Events} events=\${live.data.events} now=\${shell.now} />\`}
    <//>
  \`;
}
`,
  },
  'format.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// Numbers and times as people read them.
const whole = new Intl.NumberFormat('en');
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export const number = (value) => whole.format(value);

export const plural = (count, noun, nouns = \`\${noun}s\`) =>
  \`\${number(count)} \${count === 1 ? noun : nouns}\`;

export function rate(value) {
  if (value === 0) return '0';
  return value < 10 ? value.toFixed(1) : number(Math.round(value));
}

/** A time that has passed, in its two largest units. */
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (days > 0) return \`\${number(days)} d \${hours % 24} h\`;
  if (hours > 0) return \`\${hours} h \${minutes % 60} min\`;
  if (minutes > 0) return \`\${minutes} min \${seconds % 60} s\`;
  return \`\${seconds} s\`;
}

/** A time that is measured. */
export function duration(ms) {
  if (ms < 10) return \`\${ms.toFixed(1)} ms\`;
  if (ms < 1_000) return \`\${Math.round(ms)} ms\`;
  if (ms < 60_000) return \`\${(ms / 1_000).toFixed(1)} s\`;
  return age(ms);
}

export const ago = (ms) => (ms < 1_500 ? 'just now' : \`\${age(ms)} ago\`);

export const timeOfDay = (at) => clock.format(at);

export const dateAndTime = (at) => full.format(at);

/** What cannot be seen in a name, or changes how the rest is seen, is shown as a symbol of it. */
export const visible = (text) =>
  text.replace(/[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0);
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? '␡' : '�';
  });

/** Whether a name can be typed: what is long, or cannot be seen, nobody types right. */
export const canBeTyped = (name) => name.length <= 80 && /^[!-~]([ -~]*[!-~])?$/.test(name);
`,
  },
  'held.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// Which names are held: searched, and page by page.
import { html, useEffect, useState } from './vendor.js';
import { useLive, withQuery } from './api.js';
import { number, plural } from './format.js';
import {
  Age,
  Empty,
  Kind,
  Lease,
  Loaded,
  Name,
  nameLink,
  Owner,
  Pager,
  Permits,
  permitsTaken,
  Table,
} from './parts.js';

const PAUSE_BEFORE_SEARCH_MS = 300;
const KINDS = [
  ['', 'All'],
  ['lock', 'Locks'],
  ['semaphore', 'Semaphores'],
];

export function Held({ shell, query }) {
  const search = query.get('search') ?? '';
  const kind = query.get('kind') ?? '';
  const cursor = query.get('cursor') ?? '';
  const live = useLive(withQuery('held', { search, kind, cursor }), shell);
  const link = (values) => withQuery('#/locks', { search, kind, ...values });
  return html\`
    <h1>\${kind === 'semaphore' ? 'Semaphores' : 'Locks'} held now</h1>
    <\${Search} search=\${search} kind=\${kind} />
    <\${Loaded} live=\${live}>
      \${live.data && html\`<\${Names} ...\${{ shell, live, search, kind, cursor, link }} />\`}
    <//>
  \`;
}

function Search({ search, kind }) {
  const [text, setText] = useState(search);
  useEffect(() => setText(search), [search]);
  useEffect(() => {
    if (text === search) return undefined;
    // In place: each letter is no step to go back to.
    const go = () => location.replace(withQuery('#/locks', { search: text, kind }));
    const timer = setTimeout(go, PAUSE_BEFORE_SEARCH_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return html\`
    <form class="search" role="search" onSubmit=\${(event) => event.preventDefault()}>
      <label>
        <span>Search names</span>
        <input
          type="search"
          value=\${text}
          maxlength="1000"
          placeholder="invoice:4 or invoice:*"
          autocomplete="off"
          spellcheck=\${false}
          onInput=\${(event) => setText(event.target.value)}
        />
      </label>
      <nav class="choice" aria-label="Kind">
        \${KINDS.map(
          ([value, title]) =>
            html\`<a
              href=\${withQuery('#/locks', { search: text, kind: value })}
              aria-current=\${value === kind ? 'true' : undefined}
              >\${title}</a
            >\`,
        )}
      </nav>
      \${text && html\`<p><a href=\${nameLink(text, kind || 'lock')}>Look up exactly this name</a></p>\`}
    </form>
  \`;
}

function Names({ shell, live, search, kind, cursor, link }) {
  const { names, total, cursor: next, at } = live.data;
  const all = \`\${plural(total, 'lease')} in all\`;
  if (names.length === 0 && !next && !cursor) {
    return html\`<\${Nothing} search=\${search} total=\${total} />\`;
  }
  const head = [
    'Name',
    'Kind',
    'Held for',
    'Lease or permits',
    'Holder',
    '#Fencing token',
    '#Waiting',
  ];
  return html\`
    <p class="hint" role="status">
      \${search || kind ? \`\${plural(names.length, 'name')} on this page, of \${all}\` : all}
      \${live.isLoading && ' · searching …'}
    </p>
    <\${Table} caption="Names that are held" head=\${head}>
      \${names.map((held) => html\`<\${Row} key=\${\`\${held.kind} \${held.name}\`} held=\${held} now=\${shell.now} passedMs=\${shell.now - at} />\`)}
    <//>
    \${names.length === 0 && html\`<p class="hint">None so far. There is more to be searched on the next page.</p>\`}
    <\${Pager}
      first=\${link({ cursor: '' })}
      next=\${next && link({ cursor: next })}
      isFirst=\${!cursor}
    />
  \`;
}

const Nothing = ({ search, total }) =>
  search
    ? html\`<\${Empty} title="No name is found">
        None of \${plural(total, 'lease')} has “\${search}” in its name. With * and ? it has to be the
        whole name.
      <//>\`
    : html\`<\${Empty} title="Nothing is held">
        Locks are listed when they have been held for about a second. Any other can be looked up by its name.
      <//>\`;

function Row({ held, now, passedMs }) {
  const { name, kind, holders, permits, waiting } = held;
  const [first, ...others] = holders;
  if (!first) return null;
  return html\`
    <tr>
      <th scope="row" data-label="Name"><\${Name} name=\${name} kind=\${kind} /></th>
      <td data-label="Kind"><\${Kind} kind=\${kind} units=\${first.units} /></td>
      <td data-label="Held for"><\${Age} since=\${first.since} now=\${now} /></td>
      <td data-label=\${kind === 'semaphore' ? 'Permits' : 'Lease'}>
        \${
          kind === 'semaphore'
            ? html\`<\${Permits} taken=\${permitsTaken(holders)} permits=\${permits} />\`
            : html\`<\${Lease} lease=\${first} id=\${name} passedMs=\${passedMs} />\`
        }
      </td>
      <td data-label="Holder">
        <\${Owner}
          of=\${first}
        />\${others.length > 0 && html\`<small>and \${number(others.length)} more</small>\`}
      </td>
      <td class="right number" data-label="Fencing token">\${first.fencingToken}</td>
      <td class="right number" data-label="Waiting">\${waiting === 0 ? '–' : number(waiting)}</td>
    </tr>
  \`;
}
`,
  },
  'icon.svg': {
    type: 'image/svg+xml; charset=utf-8',
    text: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <rect width="32" height="32" rx="7" fill="#3554d1" />
  <path d="M11 14v-3a5 5 0 0 1 10 0v3" fill="none" stroke="#fff" stroke-width="2.6" />
  <rect x="8.5" y="14" width="15" height="11" rx="2.5" fill="#fff" />
  <circle cx="16" cy="19.5" r="2" fill="#3554d1" />
</svg>
`,
  },
  'jobs.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// What is done once, by job; and of one job its elements.
import { html } from './vendor.js';
import { useLive, withQuery } from './api.js';
import { Resolve, useAsked } from './dialogs.js';
import { dateAndTime, number, visible } from './format.js';
import { Ago, Empty, Loaded, Name, Owner, Pager, Table } from './parts.js';

const STATES = ['unknown', 'running', 'processed'];
const link = (job, state, cursor) => withQuery('#/job', { job, state, cursor });

export function Jobs({ shell }) {
  const live = useLive('overview', shell);
  return html\`
    <h1>Jobs</h1>
    <\${Loaded} live=\${live}>\${live.data && html\`<\${List} jobs=\${live.data.jobs} />\`}<//>
  \`;
}

const List = ({ jobs }) =>
  jobs.length === 0
    ? html\`<\${Empty} title="No job is known">
        What is done with <code>once</code>, or with <code>JobLockManager</code>, is listed here by
        its job.
      <//>\`
    : html\`
        <\${Table} caption="Jobs" head=\${['Job', '#Processed', '#Running', '#Unknown']}>
          \${jobs.map(
            (summary) => html\`
              <tr key=\${summary.job}>
                <th scope="row" data-label="Job">
                  <a
                    class="name"
                    href=\${link(summary.job, summary.unknown > 0 ? 'unknown' : 'processed')}
                    >\${visible(summary.job)}</a
                  >
                </th>
                \${['processed', 'running', 'unknown'].map(
                  (state) => html\`
                    <td class="right number" data-label=\${state}>
                      <a
                        class=\${state === 'unknown' && summary.unknown > 0 ? 'late' : ''}
                        href=\${link(summary.job, state)}
                        >\${number(summary[state])}<span class="unseen">
                          \${state} of \${summary.job}</span
                        ></a
                      >
                    </td>
                  \`,
                )}
              </tr>
            \`,
          )}
        <//>
      \`;

export function OneJob({ shell, query }) {
  const job = query.get('job') ?? '';
  const state = query.get('state') ?? 'unknown';
  const cursor = query.get('cursor') ?? '';
  const live = useLive(withQuery('outcomes', { job, state, cursor }), shell);
  return html\`
    <p class="back"><a href="#/jobs">Jobs</a></p>
    <h1 class="name">\${visible(job)}</h1>
    <nav class="choice" aria-label="State">
      \${STATES.map((each) => html\`<a href=\${link(job, each)} aria-current=\${each === state ? 'true' : undefined}>\${each}</a>\`)}
    </nav>
    <\${Loaded} live=\${live}>
      \${live.data && html\`<\${Elements} ...\${{ live, job, state, cursor, shell }} />\`}
    <//>
  \`;
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
  return html\`
    \${outcomes.length === 0 && !next && html\`<\${Empty} title=\${title}>\${text}<//>\`}
    \${
      outcomes.length > 0 &&
      html\`
        <\${Table} caption="Elements" head=\${canResolve ? [...head, 'Action'] : head}>
          \${outcomes.map((outcome) => {
            const last = outcome.attempts.at(-1);
            const at = state === 'processed' ? outcome.processedAt : last?.since;
            return html\`
              <tr key=\${outcome.name}>
                <th scope="row" data-label="Element">
                  <\${Name} name=\${outcome.name} kind="lock" />
                </th>
                <td data-label=\${head[1]}>
                  \${at ? html\`<\${Ago} at=\${at} now=\${shell.now} />\` : '–'}
                </td>
                <td data-label="By">\${last ? html\`<\${Owner} of=\${last} />\` : '–'}</td>
                <td class="right number" data-label="Fencing token">
                  \${last?.fencingToken || '–'}
                </td>
                <td class="number" data-label="Kept until">
                  \${outcome.expiresAt === null ? 'for ever' : dateAndTime(outcome.expiresAt)}
                </td>
                \${
                  canResolve &&
                  html\`<td data-label="Action">
                    <button type="button" onClick=\${() => ask(outcome)}>Resolve …</button>
                  </td>\`
                }
              </tr>
            \`;
          })}
        <//>
      \`
    }
    <\${Pager} first=\${link(job, state)} next=\${next && link(job, state, next)} isFirst=\${!cursor} />
    \${asked && html\`<\${Resolve} key=\${asked} outcome=\${asked} onEnd=\${done} />\`}
  \`;
}
`,
  },
  'name.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// All about one name: who has it, who waits, and what is known of its outcome.
import { html } from './vendor.js';
import { useLive, withQuery } from './api.js';
import { ForceRelease, Resolve, useAsked } from './dialogs.js';
import { dateAndTime, number, plural, visible } from './format.js';
import { Age, Ago, Kind, Lease, Loaded, Owner, Permits, permitsTaken, Table } from './parts.js';

export function OneName({ shell, query }) {
  const name = query.get('name') ?? '';
  const kind = query.get('kind') ?? 'lock';
  const live = useLive(withQuery('name', { name, kind }), shell);
  return html\`
    <p class="back"><a href="#/locks">Locks held now</a></p>
    <h1 class="name">\${visible(name)}</h1>
    <\${Loaded} live=\${live}>\${live.data && html\`<\${Facts} live=\${live} shell=\${shell} />\`}<//>
  \`;
}

function Facts({ live, shell }) {
  const { data } = live;
  const { kind, holders, permits, waiting, isReadOnly } = data;
  const [asked, ask, done] = useAsked(live);
  return html\`
    <p class="card store">
      <\${Kind} kind=\${kind} units=\${holders[0]?.units ?? 0} />
      \${kind === 'semaphore' && permits > 0 && html\`<\${Permits} taken=\${permitsTaken(holders)} permits=\${permits} />\`}
      <span
        >\${holders.length === 0 ? 'Nobody holds it.' : \`Held by \${plural(holders.length, 'process', 'processes')}.\`}</span
      >
      <span
        >\${waiting === 0 ? 'Nobody waits.' : \`\${plural(waiting, 'process waits', 'processes wait')}.\`}</span
      >
    </p>
    <\${Holders} ...\${{ data, shell, ask }} />
    <\${Queue} ...\${data} />
    \${data.outcome && html\`<\${Outcome} ...\${{ outcome: data.outcome, isReadOnly, shell, ask }} />\`}
    \${asked?.lease && html\`<\${ForceRelease} key=\${asked} name=\${data.name} kind=\${kind} lease=\${asked.lease} onEnd=\${done} />\`}
    \${asked?.outcome && html\`<\${Resolve} key=\${asked} outcome=\${asked.outcome} onEnd=\${done} />\`}
  \`;
}

function Holders({ data: { name, kind, holders, isReadOnly, at }, shell, ask }) {
  if (holders.length === 0) return null;
  const isSemaphore = kind === 'semaphore';
  const head = ['Holder', 'Held for', 'Lease left', '#Fencing token'];
  if (isSemaphore) head.push('#Permits');
  if (!isReadOnly) head.push('Action');
  const row = (lease) => html\`
    <tr key=\${lease.fencingToken}>
      <th scope="row" data-label="Holder"><\${Owner} of=\${lease} /></th>
      <td data-label="Held for"><\${Age} since=\${lease.since} now=\${shell.now} /></td>
      <td data-label="Lease left">
        <\${Lease} lease=\${lease} id=\${name} passedMs=\${shell.now - at} />
      </td>
      <td class="right number" data-label="Fencing token">\${lease.fencingToken}</td>
      \${isSemaphore && html\`<td class="right number" data-label="Permits">\${number(lease.units)}</td>\`}
      \${
        !isReadOnly &&
        html\`<td data-label="Action">
          <button type="button" class="danger" onClick=\${() => ask({ lease })}>Release by force …</button>
        </td>\`
      }
    </tr>
  \`;
  return html\`
    <section aria-labelledby="holders">
      <h2 id="holders">Holders</h2>
      <\${Table} caption="Holders" head=\${head}>\${holders.map(row)}<//>
    </section>
  \`;
}

function Queue({ queue, waiting }) {
  if (waiting + queue.length === 0) return null;
  return html\`
    <section aria-labelledby="queue">
      <h2 id="queue">Queue</h2>
      \${
        waiting > 0 &&
        queue.length === 0 &&
        html\`<p class="hint">
          \${plural(waiting, 'process waits', 'processes wait')}; their order is not known here.
        </p>\`
      }
      \${
        queue.length > 0 &&
        html\`
          <ol class="card queue">
            \${queue.map(
              (waiter, i) => html\`
                <li key=\${i}>
                  <\${Owner}
                    of=\${waiter}
                  />\${waiter.units > 1 && html\`<small>\${number(waiter.units)} permits</small>\`}
                </li>
              \`,
            )}
          </ol>
        \`
      }
      \${waiting > queue.length && queue.length > 0 && html\`<p class="hint">and \${number(waiting - queue.length)} more</p>\`}
    </section>
  \`;
}

function Outcome({ outcome, isReadOnly, shell, ask }) {
  const { state, attempts, processedAt, expiresAt, job } = outcome;
  return html\`
    <section aria-labelledby="outcome">
      <h2 id="outcome">Outcome</h2>
      <p class="card store">
        <span class=\${\`state \${{ processed: 'good', unknown: 'late' }[state] ?? ''}\`}
          >\${state}</span
        >
        <span>of the job <b>\${visible(job)}</b></span>
        \${processedAt !== null && html\`<span>since <\${Ago} at=\${processedAt} now=\${shell.now} /></span>\`}
        <span
          >\${expiresAt === null ? 'kept for ever' : \`kept until \${dateAndTime(expiresAt)}\`}</span
        >
        \${
          state === 'unknown' &&
          !isReadOnly &&
          html\`<button type="button" onClick=\${() => ask({ outcome })}>Resolve …</button>\`
        }
      </p>
      <\${Table} caption="Attempts" head=\${['Attempt of', 'Began', '#Fencing token', 'Outcome']}>
        \${attempts.map(
          (attempt, i) => html\`
            <tr key=\${i}>
              <th scope="row" data-label="Attempt of"><\${Owner} of=\${attempt} /></th>
              <td data-label="Began"><\${Ago} at=\${attempt.since} now=\${shell.now} /></td>
              <td class="right number" data-label="Fencing token">
                \${attempt.fencingToken || '–'}
              </td>
              <td data-label="Outcome">\${attempt.outcome}</td>
            </tr>
          \`,
        )}
      <//>
    </section>
  \`;
}
`,
  },
  'overview.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// All at a glance: how much is held and waited for, how the store is, who takes part, what happened.
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

const Figure = ({ title, value, note, href, state = '' }) => html\`
  <div class=\${\`card figure \${state}\`}>
    <dt>\${title}</dt>
    <dd>
      <span class="number">\${href ? html\`<a href=\${href}>\${value}</a>\` : value}</span>
      \${note && html\`<small>\${note}</small>\`}
    </dd>
  </div>
\`;

export function Overview({ shell }) {
  const live = useLive('overview', shell);
  return html\`
    <h1>Overview</h1>
    <\${Loaded} live=\${live}>\${live.data && html\`<\${Facts} data=\${live.data} shell=\${shell} />\`}<//>
    <\${Store} shell=\${shell} />
    \${
      live.data &&
      html\`
        <\${Processes} data=\${live.data} shell=\${shell} />
        <section aria-labelledby="recent">
          <h2 id="recent">Recent events</h2>
          <\${Events} events=\${live.data.events} now=\${shell.now} />
          \${live.data.events.length > 0 && html\`<p><a href="#/events">All recent events</a></p>\`}
        </section>
      \`
    }
  \`;
}

function Facts({ data }) {
  const { held, waiting, unknown, processCount, curves } = data;
  const last = curves.at(-1);
  return html\`
    <dl class="figures">
      <\${Figure} title="Held now" value=\${number(held)} href="#/locks" note="locks and permits" />
      <\${Figure} title="Waiting" value=\${number(waiting)} note="calls" />
      <\${Figure} title="Acquired" value=\${last ? rate(last.acquired) : '–'} note="per second" />
      <\${Figure}
        title="Lost"
        value=\${last ? rate(last.lost) : '–'}
        note="per second"
        state=\${last?.lost > 0 ? 'bad' : ''}
      />
      <\${Figure}
        title="Unknown outcomes"
        value=\${number(unknown)}
        href="#/jobs"
        note="begun, never ended"
        state=\${unknown > 0 ? 'late' : ''}
      />
      <\${Figure} title="Processes" value=\${number(processCount)} note="that report" />
    </dl>
    <div class="pair">
      <\${Curves}
        title="Throughput"
        points=\${curves}
        lines=\${THROUGHPUT}
        format=\${(value) => \`\${rate(value)}/s\`}
        hint=\${HINT}
      />
      <\${Curves}
        title="Wait time"
        points=\${curves}
        lines=\${WAITS}
        format=\${duration}
        hint=\${HINT}
      />
    </div>
  \`;
}

const HEAD = ['Process', '#Held', '#Waiting', '#Acquired', '#Busy', '#Lost', 'Started', 'Reported'];

function Processes({ data: { processes, processCount }, shell: { now } }) {
  return html\`
    <section aria-labelledby="processes">
      <h2 id="processes">Processes</h2>
      \${
        processes.length === 0 &&
        html\`<\${Empty} title="No process reports">
          Processes tell what they hold every few seconds, unless LockModule has the option reports:
          false.
        <//>\`
      }
      \${
        processes.length > 0 &&
        html\`
          <\${Table} caption="Processes" head=\${HEAD}>
            \${processes.map(
              (record) => html\`
                <tr key=\${record.id}>
                  <th scope="row" data-label="Process"><\${Owner} of=\${record} /></th>
                  <td class="right number" data-label="Held">\${number(record.held)}</td>
                  <td class="right number" data-label="Waiting">\${number(record.waiting)}</td>
                  <td class="right number" data-label="Acquired">\${number(record.acquired)}</td>
                  <td class="right number" data-label="Busy">\${number(record.busy)}</td>
                  <td class=\${\`right number \${record.lost > 0 ? 'bad' : ''}\`} data-label="Lost">
                    \${number(record.lost)}
                  </td>
                  <td data-label="Started"><\${Ago} at=\${record.startedAt} now=\${now} /></td>
                  <td data-label="Reported"><\${Ago} at=\${record.reportedAt} now=\${now} /></td>
                </tr>
              \`,
            )}
          <//>
        \`
      }
      \${
        processCount > processes.length &&
        html\`<p class="hint">and \${number(processCount - processes.length)} more</p>\`
      }
    </section>
  \`;
}
`,
  },
  'parts.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// What several views are made of.
import { html, useRef } from './vendor.js';
import { age, ago, dateAndTime, number, visible } from './format.js';

export const nameLink = (name, kind) => \`#/name?\${new URLSearchParams({ kind, name })}\`;

export const Name = ({ name, kind }) =>
  html\`<a class="name" href=\${nameLink(name, kind)}>\${visible(name)}</a>\`;

export const Owner = ({ of }) => html\`
  <span class="owner">
    <b>\${visible(of.service)}</b>
    <small>\${visible(of.host)} · pid \${of.pid}</small>
  </span>
\`;

const MODES = { lock: ['Lock', 'exclusive'], shared: ['Shared', 'shared'] };

/** @param units of the lease: 0 is all there is. */
export function Kind({ kind, units }) {
  if (kind === 'semaphore') return html\`<span class="tag permit">Semaphore</span>\`;
  const [text, mode] = units > 0 ? MODES.shared : MODES.lock;
  return html\`<span class=\${\`tag \${mode}\`}>\${text}</span>\`;
}

export const Age = ({ since, now }) =>
  html\`<time class="number" datetime=\${new Date(since).toISOString()} title=\${dateAndTime(since)}
    >\${age(now - since)}</time
  >\`;

export const Ago = ({ at, now }) =>
  html\`<time class="number" datetime=\${new Date(at).toISOString()} title=\${dateAndTime(at)}
    >\${ago(now - at)}</time
  >\`;

/** What leases usually last, in seconds. */
const USUAL = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 86_400];

/** The longest that is known to have been left of a lease: about its ttl, which no lease tells. */
const longest = new Map();

/** What is left of a lease; renewals come at two thirds, so that less than a half is late. */
export function Lease({ lease, id, passedMs }) {
  const key = \`\${id} \${lease.fencingToken}\`;
  const usualMs = 1_000 * (USUAL.find((seconds) => seconds * 1_000 >= lease.remainingMs) ?? 0);
  const fullMs = Math.max(longest.get(key) ?? usualMs, lease.remainingMs);
  if (longest.size > 5_000) longest.clear();
  longest.set(key, fullMs);
  const leftMs = Math.max(0, lease.remainingMs - passedMs);
  const part = fullMs === 0 ? 0 : leftMs / fullMs;
  const state = part < 0.2 ? 'bad' : part < 0.5 ? 'late' : '';
  const text = leftMs === 0 ? 'over' : age(leftMs + 999);
  return html\`
    <span class="lease">
      <span class="bar" aria-hidden="true"
        ><i class=\${state} style=\${{ width: \`\${Math.round(part * 100)}%\` }}></i
      ></span>
      <span class="number">\${text}</span>
    </span>
  \`;
}

export const Permits = ({ taken, permits }) => html\`
  <span class="lease">
    <span class="bar" aria-hidden="true"
      ><i
        class=\${permits > 0 && taken >= permits ? 'late' : ''}
        style=\${{ width: \`\${permits > 0 ? Math.min(100, Math.round((taken / permits) * 100)) : 100}%\` }}
      ></i
    ></span>
    <span class="number">\${number(taken)}\${permits > 0 ? \` of \${number(permits)}\` : ''}</span>
  </span>
\`;

export const permitsTaken = (holders) => holders.reduce((sum, { units }) => sum + units, 0);

export const Empty = ({ title, children }) => html\`
  <div class="empty">
    <p><b>\${title}</b></p>
    <p>\${children}</p>
  </div>
\`;

/** While nothing is there yet: nothing, a problem, or what is there. */
export function Loaded({ live, children }) {
  if (live.data) return children;
  if (!live.error) return html\`<p class="alone" role="status">Asking …</p>\`;
  return html\`
    <div class="empty problem" role="alert">
      <p><b>\${titleOf(live.error)}</b></p>
      <p>\${live.error.message}</p>
      <p><button type="button" onClick=\${live.again}>Ask again</button></p>
    </div>
  \`;
}

export function titleOf({ status }) {
  if (status === 503) return 'The store cannot be asked';
  if (status === 401 || status === 403) return 'You may not see this';
  if (status === 400) return 'This cannot be asked';
  return 'There is no answer';
}

/** A table that is a list of cards on a phone. */
export const Table = ({ caption, head, children }) => html\`
  <div class="scroll" tabindex="0" role="region" aria-label=\${\`\${caption}, as a table\`}>
    <table>
      <caption class="unseen">
        \${caption}
      </caption>
      <thead>
        <tr>
          \${head.map((title) => html\`<th scope="col" class=\${title.startsWith('#') ? 'right' : ''}>\${title.replace('#', '')}</th>\`)}
        </tr>
      </thead>
      <tbody>
        \${children}
      </tbody>
    </table>
  </div>
\`;

/** Pages are addresses, so that the browser goes back. */
export const Pager = ({ first, next, isFirst }) =>
  (!isFirst || next) &&
  html\`
    <nav class="pager" aria-label="Pages">
      \${!isFirst && html\`<a href=\${first}>First page</a>\`}
      \${next ? html\`<a href=\${next}>Next page</a>\` : html\`<span>This is the last page</span>\`}
    </nav>
  \`;

/** Keeps what it is given for as long as it is not told otherwise. */
export function useLast(value) {
  const last = useRef(value);
  if (value !== undefined) last.current = value;
  return last.current;
}
`,
  },
  'store.js': {
    type: 'text/javascript; charset=utf-8',
    text: `// The store that locks stand on, and of several nodes each of them.
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

const offset = (ms) => \`\${ms < 0 ? '−' : '+'}\${duration(Math.abs(ms))}\`;

export function Store({ shell }) {
  const { data, error } = useLive('store', { isPaused: shell.isPaused });
  return html\`
    <section aria-labelledby="store">
      <h2 id="store">Store</h2>
      \${!data && html\`<p class="hint">\${error ? error.message : 'Asking …'}</p>\`}
      \${data && html\`<\${State} ...\${data} />\`}
      \${data?.nodes.length > 0 && html\`<\${Nodes} nodes=\${data.nodes} />\`}
    </section>
  \`;
}

const State = ({ store, isReachable, latencyMs, error }) => html\`
  <p class="card store">
    <span class=\${\`state \${isReachable ? 'good' : 'bad'}\`}
      >\${isReachable ? 'Answers' : 'Does not answer'}</span
    >
    <b>\${store}</b>
    \${isReachable && html\`<span class="number">in \${duration(latencyMs)}</span>\`}
    \${!isReachable && html\`<span>\${error}</span>\`}
  </p>
\`;

const Nodes = ({ nodes }) => html\`
  <\${Table} caption="Nodes" head=\${HEAD}>
    \${nodes.map(({ node, state, reason, latencyMs, votesInMs, clockOffsetMs, error }) => {
      const [text, level] = STATES[state] ?? [state, ''];
      return html\`
        <tr key=\${node}>
          <th scope="row" data-label="Node">\${node}</th>
          <td data-label="State"><span class=\${\`state \${level}\`}>\${text}</span></td>
          <td class="right number" data-label="Latency">
            \${latencyMs === null ? '–' : duration(latencyMs)}
          </td>
          <td class="right number" data-label="Votes again in">
            \${votesInMs === null ? '–' : duration(votesInMs)}
          </td>
          <td class="right number" data-label="Clock difference">
            \${clockOffsetMs === null ? '–' : offset(clockOffsetMs)}
          </td>
          <td data-label="Why">\${REASONS[reason] ?? error ?? '–'}</td>
        </tr>
      \`;
    })}
  <//>
\`;
`,
  },
  'style.css': {
    type: 'text/css; charset=utf-8',
    text: `:root {
  --page: #f6f7f9;
  --card: #fff;
  --text: #1b1f27;
  --soft: #5a6372;
  --line: #dfe3e9;
  --accent: #3554d1;
  --accent-soft: #e8ecfb;
  --good: #17704a;
  --good-soft: #e0f3e9;
  --late: #8a5a00;
  --late-soft: #fbf0d9;
  --bad: #b3261e;
  --bad-soft: #fce8e6;
  --bar: #e6e9ef;
  --bar-full: #6b82e0;
  --shadow: 0 1px 2px rgb(20 26 40 / 6%);
  color-scheme: light;
}

@media (prefers-color-scheme: dark) {
  :root {
    --page: #101319;
    --card: #181c24;
    --text: #e6e9ef;
    --soft: #9aa4b5;
    --line: #2a303b;
    --accent: #93a7f8;
    --accent-soft: #242c49;
    --good: #6dcb9c;
    --good-soft: #17322a;
    --late: #e6b45a;
    --late-soft: #382c14;
    --bad: #f2938a;
    --bad-soft: #401f1e;
    --bar: #2a303b;
    --bar-full: #6f86e8;
    --shadow: none;
    color-scheme: dark;
  }
}

*,
::before,
::after {
  box-sizing: border-box;
}

html {
  font:
    15px/1.5 system-ui,
    -apple-system,
    'Segoe UI',
    Roboto,
    'Liberation Sans',
    sans-serif;
  -webkit-text-size-adjust: 100%;
}

body {
  margin: 0;
  background: var(--page);
  color: var(--text);
}

p,
h1,
h2,
h3,
ul,
ol,
dl,
dd,
figure {
  margin: 0;
  padding: 0;
}

h1 {
  margin: 0 0 1rem;
  font-size: 1.45rem;
  line-height: 1.25;
  letter-spacing: -0.01em;
  overflow-wrap: anywhere;
}

h2 {
  margin: 2rem 0 0.6rem;
  font-size: 1.05rem;
}

.curves h2 {
  margin: 0;
  font-size: 0.95rem;
}

a {
  color: var(--accent);
  text-underline-offset: 0.15em;
  text-decoration-thickness: 0.06em;
}

small {
  color: var(--soft);
  font-size: 0.85em;
}

code,
.name {
  font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace;
  font-size: 0.94em;
}

h1.name {
  font-size: 1.25rem;
}

.name {
  overflow-wrap: anywhere;
  unicode-bidi: isolate;
  white-space: pre-wrap;
}

.number {
  font-variant-numeric: tabular-nums;
}

.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
  border-radius: 4px;
}

main:focus {
  outline: none;
}

.skip {
  position: absolute;
  left: 0.75rem;
  top: -4rem;
  z-index: 2;
  padding: 0.5rem 0.9rem;
  background: var(--card);
  border-radius: 6px;
}

.skip:focus {
  top: 0.5rem;
}

/* The frame */

header {
  position: sticky;
  top: 0;
  z-index: 1;
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 0.25rem 1rem;
  padding: 0.55rem max(1.25rem, calc((100vw - 76rem) / 2));
  background: var(--card);
  border-bottom: 1px solid var(--line);
}

.brand {
  display: flex;
  align-items: center;
  gap: 0.5rem;
  font-weight: 650;
}

header nav {
  display: flex;
  gap: 0.15rem;
  margin-left: 0.5rem;
}

header nav a,
.choice a {
  padding: 0.3rem 0.7rem;
  border-radius: 6px;
  color: var(--soft);
  text-decoration: none;
}

header nav a:hover,
.choice a:hover {
  color: var(--text);
  background: var(--page);
}

header nav a[aria-current],
.choice a[aria-current] {
  color: var(--accent);
  background: var(--accent-soft);
  font-weight: 600;
}

.live {
  display: flex;
  align-items: center;
  gap: 0.6rem;
  margin-left: auto;
}

main,
footer {
  max-width: 78.5rem;
  margin: 0 auto;
  padding: 1.5rem 1.25rem;
}

footer {
  color: var(--soft);
  font-size: 0.85rem;
}

.back {
  margin-bottom: 0.35rem;
  font-size: 0.9rem;
}

.back a::before {
  content: '← ';
  content: '← ' / '';
}

/* Pieces */

.card {
  padding: 0.9rem 1.1rem;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px;
  box-shadow: var(--shadow);
}

.alone,
.empty {
  padding: 3rem 1.25rem;
  text-align: center;
  color: var(--soft);
}

.empty {
  border: 1px dashed var(--line);
  border-radius: 10px;
}

.empty b {
  color: var(--text);
}

.empty.problem {
  border-color: var(--bad);
}

.empty.problem b {
  color: var(--bad);
}

.empty button {
  margin-top: 0.8rem;
}

.hint {
  color: var(--soft);
  font-size: 0.9rem;
}

.stale {
  margin-bottom: 1.2rem;
  padding: 0.7rem 1rem;
  color: var(--bad);
  background: var(--bad-soft);
  border: 1px solid currentcolor;
  border-radius: 8px;
  overflow-wrap: anywhere;
}

.tag,
.state {
  display: inline-block;
  padding: 0.05rem 0.5rem;
  border-radius: 5px;
  background: var(--bar);
  color: var(--text);
  font-size: 0.8rem;
  font-weight: 550;
  white-space: nowrap;
}

.tag.permit,
.tag.accent {
  color: var(--accent);
  background: var(--accent-soft);
}

.state.good,
.tag.good,
.tag.shared {
  color: var(--good);
  background: var(--good-soft);
}

.state.late,
.tag.late {
  color: var(--late);
  background: var(--late-soft);
}

.state.bad,
.tag.bad {
  color: var(--bad);
  background: var(--bad-soft);
}

a.late {
  color: var(--late);
  font-weight: 650;
}

td.bad {
  color: var(--bad);
  font-weight: 650;
}

.state::before {
  content: '';
  display: inline-block;
  width: 0.5em;
  height: 0.5em;
  margin: 0 0.4em 0.1em 0;
  border-radius: 50%;
  background: currentcolor;
}

.owner {
  display: inline-grid;
  line-height: 1.3;
  overflow-wrap: anywhere;
}

.owner b {
  font-weight: 550;
}

.lease {
  display: inline-flex;
  align-items: center;
  gap: 0.6rem;
  white-space: nowrap;
}

.bar {
  display: inline-block;
  width: 5.5rem;
  height: 6px;
  border-radius: 3px;
  overflow: hidden;
  background: var(--bar);
}

.bar i {
  display: block;
  height: 100%;
  border-radius: 3px;
  background: var(--bar-full);
  transition: width 0.3s linear;
}

.bar i.late {
  background: var(--late);
}

.bar i.bad {
  background: var(--bad);
}

/* Figures and curves */

.figures {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr));
  gap: 0.8rem;
}

.figure dt {
  color: var(--soft);
  font-size: 0.85rem;
}

.figure dd > span {
  display: block;
  font-size: 1.75rem;
  line-height: 1.25;
  font-weight: 600;
  letter-spacing: -0.02em;
}

.figure a {
  color: inherit;
  text-decoration-color: var(--line);
}

.figure.late dd > span {
  color: var(--late);
}

.figure.bad dd > span {
  color: var(--bad);
}

.pair {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr));
  gap: 0.8rem;
  margin-top: 0.8rem;
}

.curves figcaption {
  display: flex;
  flex-wrap: wrap;
  justify-content: space-between;
  gap: 0.2rem 1rem;
  margin-bottom: 0.7rem;
}

.legend {
  display: flex;
  gap: 1rem;
  list-style: none;
  color: var(--soft);
  font-size: 0.85rem;
}

.legend b {
  color: var(--text);
  font-weight: 600;
}

.legend i {
  display: inline-block;
  width: 0.9rem;
  height: 0;
  margin: 0 0.4rem 0.25rem 0;
  border-top: 2px solid var(--accent);
}

.legend i.line1 {
  border-top-color: var(--late);
  border-top-style: dashed;
}

.plot {
  position: relative;
  padding-left: 3.2rem;
}

.plot svg {
  display: block;
  width: 100%;
  height: 8.5rem;
  overflow: visible;
}

.plot .top,
.plot .bottom {
  position: absolute;
  left: 0;
  width: 2.7rem;
  color: var(--soft);
  text-align: right;
  font-size: 0.72rem;
  line-height: 1;
}

.plot .top {
  top: -0.35rem;
}

.plot .bottom {
  bottom: -0.35rem;
}

path {
  fill: none;
  vector-effect: non-scaling-stroke;
  stroke-linejoin: round;
  stroke-linecap: round;
}

.grid {
  stroke: var(--line);
}

.plot .area {
  fill: var(--accent);
  opacity: 0.08;
}

path.line0 {
  stroke: var(--accent);
  stroke-width: 2;
}

path.line1 {
  stroke: var(--late);
  stroke-width: 2;
  stroke-dasharray: 5 4;
}

.times {
  display: flex;
  justify-content: space-between;
  margin: 0.5rem 0 0 3.2rem;
  color: var(--soft);
  font-size: 0.72rem;
}

/* Tables */

.scroll {
  overflow-x: auto;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px;
  box-shadow: var(--shadow);
}

.hint + .scroll,
.scroll + .hint {
  margin-top: 0.6rem;
}

table {
  width: 100%;
  border-collapse: collapse;
}

th,
td {
  padding: 0.5rem 0.9rem;
  text-align: left;
  vertical-align: middle;
  border-top: 1px solid var(--line);
  font-weight: inherit;
}

thead th {
  border-top: 0;
  color: var(--soft);
  font-size: 0.8rem;
  white-space: nowrap;
}

tbody th {
  min-width: 11rem;
}

.right {
  text-align: right;
}

td > small {
  display: block;
}

.store {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 0.4rem 0.9rem;
  margin-bottom: 0.8rem;
  overflow-wrap: anywhere;
}

.pager {
  display: flex;
  gap: 1.2rem;
  margin-top: 0.9rem;
  color: var(--soft);
}

.events,
.queue {
  list-style: none;
  padding: 0.2rem 1.1rem;
}

.events li {
  display: grid;
  grid-template-columns: 9.5rem 1fr;
  gap: 0 1rem;
  padding: 0.65rem 0;
  overflow-wrap: anywhere;
}

.events .tag {
  place-self: start;
  grid-row: span 2;
}

.events li + li,
.queue li + li {
  border-top: 1px solid var(--line);
}

.events + p {
  margin-top: 0.7rem;
}

.queue {
  counter-reset: place;
}

.queue li {
  display: flex;
  align-items: center;
  gap: 1rem;
  padding: 0.5rem 0;
  counter-increment: place;
}

.queue li::before {
  content: counter(place);
  width: 1.6rem;
  color: var(--soft);
  text-align: right;
  font-variant-numeric: tabular-nums;
}

/* Forms */

input,
select,
button {
  font: inherit;
  color: inherit;
}

input:not([type='radio']),
select,
button {
  min-height: 2.25rem;
  padding: 0.3rem 0.8rem;
  background: var(--card);
  border: 1px solid color-mix(in srgb, var(--soft) 60%, var(--card));
  border-radius: 7px;
}

input::placeholder {
  color: var(--soft);
  opacity: 1;
}

button {
  cursor: pointer;
}

button:hover:not(:disabled) {
  background: var(--page);
}

button:disabled {
  cursor: default;
  color: var(--soft);
  border-color: var(--line);
}

.live button {
  min-height: 1.9rem;
  padding: 0.1rem 0.7rem;
  font-size: 0.87rem;
}

button[aria-pressed='true'] {
  color: var(--late);
  border-color: currentcolor;
}

button.danger:not(:disabled) {
  color: var(--bad);
  border-color: currentcolor;
}

button.primary:not(:disabled) {
  color: var(--card);
  background: var(--accent);
  border-color: var(--accent);
}

.search {
  display: flex;
  flex-wrap: wrap;
  align-items: end;
  gap: 0.8rem 1.2rem;
  margin-bottom: 0.9rem;
}

.search label {
  flex: 1 1 16rem;
  max-width: 28rem;
}

label > span {
  display: block;
  margin-bottom: 0.2rem;
  color: var(--soft);
  font-size: 0.85rem;
}

label input:not([type='radio']) {
  width: 100%;
}

.choice {
  display: flex;
  flex-wrap: wrap;
  gap: 0.15rem;
  margin-bottom: 0.2rem;
}

h1 + .choice {
  margin-bottom: 1rem;
}

dialog {
  width: min(33rem, calc(100vw - 2rem));
  padding: 1.3rem 1.5rem;
  color: var(--text);
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 12px;
  box-shadow: 0 12px 40px rgb(0 0 0 / 25%);
}

dialog::backdrop {
  background: rgb(10 14 22 / 50%);
}

dialog h2 {
  margin: 0 0 0.8rem;
}

dialog form > * + * {
  margin-top: 0.9rem;
}

dialog .card {
  background: var(--page);
  box-shadow: none;
}

dialog label {
  display: block;
}

dialog code {
  color: var(--text);
  font-weight: 600;
  overflow-wrap: anywhere;
}

dialog p.problem {
  color: var(--bad);
}

fieldset {
  margin: 0;
  padding: 0;
  border: 0;
}

legend {
  padding: 0;
  font-weight: 600;
}

fieldset label {
  display: flex;
  align-items: start;
  gap: 0.6rem;
  margin-top: 0.5rem;
}

input[type='radio'] {
  margin-top: 0.35rem;
  accent-color: var(--accent);
}

fieldset label > span {
  margin: 0;
  color: inherit;
  font-size: inherit;
}

.actions {
  display: flex;
  justify-content: flex-end;
  gap: 0.7rem;
}

/* On a phone tables are lists of cards. */
@media (max-width: 46rem) {
  header {
    padding: 0.5rem 1rem;
  }

  header nav {
    order: 3;
    width: 100%;
    margin: 0 -0.5rem;
    overflow-x: auto;
  }

  main,
  footer {
    padding: 1.1rem 1rem;
  }

  .figures {
    grid-template-columns: 1fr 1fr;
  }

  .figure {
    padding: 0.7rem 0.9rem;
  }

  .scroll {
    overflow: visible;
    background: none;
    border: 0;
    box-shadow: none;
  }

  table,
  tbody,
  tr,
  th,
  td {
    display: block;
  }

  thead {
    display: none;
  }

  tbody tr {
    padding: 0.7rem 1rem;
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: 10px;
  }

  tbody tr + tr {
    margin-top: 0.6rem;
  }

  tbody th,
  tbody td,
  tbody td.right {
    padding: 0.12rem 0;
    border: 0;
    text-align: left;
  }

  tbody th {
    padding-bottom: 0.35rem;
  }

  tbody td {
    display: grid;
    grid-template-columns: 8rem 1fr;
    align-items: baseline;
  }

  tbody td::before {
    content: attr(data-label);
    color: var(--soft);
    font-size: 0.85rem;
  }

  tbody td > * {
    justify-self: start;
  }

  td > small {
    grid-column: 2;
  }

  .events li {
    grid-template-columns: 1fr;
    gap: 0.25rem;
  }
}

@media (prefers-reduced-motion: reduce) {
  .bar i {
    transition: none;
  }
}
`,
  },
  'vendor.js': {
    type: 'text/javascript; charset=utf-8',
    text: `/*! htm (Apache-2.0) and Preact (MIT): see THIRD-PARTY-NOTICES.md */
var e,n,_,t,o,r,u,l={},i=[],c=/acit|ex(?:s|g|n|p|$)|rph|grid|ows|mnc|ntw|ine[ch]|zoo|^ord|itera/i;function s(e,n){for(var _ in n)e[_]=n[_];return e}function f(e){var n=e.parentNode;n&&n.removeChild(e)}function a(n,_,t){var o,r,u,l={};for(u in _)"key"==u?o=_[u]:"ref"==u?r=_[u]:l[u]=_[u];if(arguments.length>2&&(l.children=arguments.length>3?e.call(arguments,2):t),"function"==typeof n&&null!=n.defaultProps)for(u in n.defaultProps)void 0===l[u]&&(l[u]=n.defaultProps[u]);return p(n,l,o,r,null)}function p(e,t,o,r,u){var l={type:e,props:t,key:o,ref:r,__k:null,__:null,__b:0,__e:null,__d:void 0,__c:null,__h:null,constructor:void 0,__v:null==u?++_:u};return null!=n.vnode&&n.vnode(l),l}function h(e){return e.children}function d(e,n){this.props=e,this.context=n}function v(e,n){if(null==n)return e.__?v(e.__,e.__.__k.indexOf(e)+1):null;for(var _;n<e.__k.length;n++)if(null!=(_=e.__k[n])&&null!=_.__e)return _.__e;return"function"==typeof e.type?v(e):null}function y(e){var n,_;if(null!=(e=e.__)&&null!=e.__c){for(e.__e=e.__c.base=null,n=0;n<e.__k.length;n++)if(null!=(_=e.__k[n])&&null!=_.__e){e.__e=e.__c.base=_.__e;break}return y(e)}}function m(e){(!e.__d&&(e.__d=!0)&&t.push(e)&&!g.__r++||r!==n.debounceRendering)&&((r=n.debounceRendering)||o)(g)}function g(){for(var e;g.__r=t.length;)e=t.sort(function(e,n){return e.__v.__b-n.__v.__b}),t=[],e.some(function(e){var n,_,t,o,r,u;e.__d&&(r=(o=(n=e).__v).__e,(u=n.__P)&&(_=[],(t=s({},o)).__v=o.__v+1,P(u,o,t,n.__n,void 0!==u.ownerSVGElement,null!=o.__h?[r]:null,_,null==r?v(o):r,o.__h),D(_,o),o.__e!=r&&y(o)))})}function k(e,n,_,t,o,r,u,c,s,f){var a,d,y,m,g,k,x,H=t&&t.__k||i,E=H.length;for(_.__k=[],a=0;a<n.length;a++)if(null!=(m=_.__k[a]=null==(m=n[a])||"boolean"==typeof m?null:"string"==typeof m||"number"==typeof m||"bigint"==typeof m?p(null,m,null,null,m):Array.isArray(m)?p(h,{children:m},null,null,null):m.__b>0?p(m.type,m.props,m.key,null,m.__v):m)){if(m.__=_,m.__b=_.__b+1,null===(y=H[a])||y&&m.key==y.key&&m.type===y.type)H[a]=void 0;else for(d=0;d<E;d++){if((y=H[d])&&m.key==y.key&&m.type===y.type){H[d]=void 0;break}y=null}P(e,m,y=y||l,o,r,u,c,s,f),g=m.__e,(d=m.ref)&&y.ref!=d&&(x||(x=[]),y.ref&&x.push(y.ref,null,m),x.push(d,m.__c||g,m)),null!=g?(null==k&&(k=g),"function"==typeof m.type&&null!=m.__k&&m.__k===y.__k?m.__d=s=b(m,s,e):s=C(e,m,y,H,g,s),f||"option"!==_.type?"function"==typeof _.type&&(_.__d=s):e.value=""):s&&y.__e==s&&s.parentNode!=e&&(s=v(y))}for(_.__e=k,a=E;a--;)null!=H[a]&&("function"==typeof _.type&&null!=H[a].__e&&H[a].__e==_.__d&&(_.__d=v(t,a+1)),U(H[a],H[a]));if(x)for(a=0;a<x.length;a++)T(x[a],x[++a],x[++a])}function b(e,n,_){var t,o;for(t=0;t<e.__k.length;t++)(o=e.__k[t])&&(o.__=e,n="function"==typeof o.type?b(o,n,_):C(_,o,o,e.__k,o.__e,n));return n}function C(e,n,_,t,o,r){var u,l,i;if(void 0!==n.__d)u=n.__d,n.__d=void 0;else if(null==_||o!=r||null==o.parentNode)e:if(null==r||r.parentNode!==e)e.appendChild(o),u=null;else{for(l=r,i=0;(l=l.nextSibling)&&i<t.length;i+=2)if(l==o)break e;e.insertBefore(o,r),u=r}return void 0!==u?u:o.nextSibling}function x(e,n,_){"-"===n[0]?e.setProperty(n,_):e[n]=null==_?"":"number"!=typeof _||c.test(n)?_:_+"px"}function H(e,n,_,t,o){var r;e:if("style"===n)if("string"==typeof _)e.style.cssText=_;else{if("string"==typeof t&&(e.style.cssText=t=""),t)for(n in t)_&&n in _||x(e.style,n,"");if(_)for(n in _)t&&_[n]===t[n]||x(e.style,n,_[n])}else if("o"===n[0]&&"n"===n[1])r=n!==(n=n.replace(/Capture$/,"")),n=n.toLowerCase()in e?n.toLowerCase().slice(2):n.slice(2),e.l||(e.l={}),e.l[n+r]=_,_?t||e.addEventListener(n,r?S:E,r):e.removeEventListener(n,r?S:E,r);else if("dangerouslySetInnerHTML"!==n){if(o)n=n.replace(/xlink[H:h]/,"h").replace(/sName$/,"s");else if("href"!==n&&"list"!==n&&"form"!==n&&"tabIndex"!==n&&"download"!==n&&n in e)try{e[n]=null==_?"":_;break e}catch(e){}"function"==typeof _||(null!=_&&(!1!==_||"a"===n[0]&&"r"===n[1])?e.setAttribute(n,_):e.removeAttribute(n))}}function E(e){this.l[e.type+!1](n.event?n.event(e):e)}function S(e){this.l[e.type+!0](n.event?n.event(e):e)}function P(e,_,t,o,r,u,l,i,c){var f,a,p,v,y,m,g,b,C,x,H,E=_.type;if(void 0!==_.constructor)return null;null!=t.__h&&(c=t.__h,i=_.__e=t.__e,_.__h=null,u=[i]),(f=n.__b)&&f(_);try{e:if("function"==typeof E){if(b=_.props,C=(f=E.contextType)&&o[f.__c],x=f?C?C.props.value:f.__:o,t.__c?g=(a=_.__c=t.__c).__=a.__E:("prototype"in E&&E.prototype.render?_.__c=a=new E(b,x):(_.__c=a=new d(b,x),a.constructor=E,a.render=A),C&&C.sub(a),a.props=b,a.state||(a.state={}),a.context=x,a.__n=o,p=a.__d=!0,a.__h=[]),null==a.__s&&(a.__s=a.state),null!=E.getDerivedStateFromProps&&(a.__s==a.state&&(a.__s=s({},a.__s)),s(a.__s,E.getDerivedStateFromProps(b,a.__s))),v=a.props,y=a.state,p)null==E.getDerivedStateFromProps&&null!=a.componentWillMount&&a.componentWillMount(),null!=a.componentDidMount&&a.__h.push(a.componentDidMount);else{if(null==E.getDerivedStateFromProps&&b!==v&&null!=a.componentWillReceiveProps&&a.componentWillReceiveProps(b,x),!a.__e&&null!=a.shouldComponentUpdate&&!1===a.shouldComponentUpdate(b,a.__s,x)||_.__v===t.__v){a.props=b,a.state=a.__s,_.__v!==t.__v&&(a.__d=!1),a.__v=_,_.__e=t.__e,_.__k=t.__k,_.__k.forEach(function(e){e&&(e.__=_)}),a.__h.length&&l.push(a);break e}null!=a.componentWillUpdate&&a.componentWillUpdate(b,a.__s,x),null!=a.componentDidUpdate&&a.__h.push(function(){a.componentDidUpdate(v,y,m)})}a.context=x,a.props=b,a.state=a.__s,(f=n.__r)&&f(_),a.__d=!1,a.__v=_,a.__P=e,f=a.render(a.props,a.state,a.context),a.state=a.__s,null!=a.getChildContext&&(o=s(s({},o),a.getChildContext())),p||null==a.getSnapshotBeforeUpdate||(m=a.getSnapshotBeforeUpdate(v,y)),H=null!=f&&f.type===h&&null==f.key?f.props.children:f,k(e,Array.isArray(H)?H:[H],_,t,o,r,u,l,i,c),a.base=_.__e,_.__h=null,a.__h.length&&l.push(a),g&&(a.__E=a.__=null),a.__e=!1}else null==u&&_.__v===t.__v?(_.__k=t.__k,_.__e=t.__e):_.__e=w(t.__e,_,t,o,r,u,l,c);(f=n.diffed)&&f(_)}catch(e){_.__v=null,(c||null!=u)&&(_.__e=i,_.__h=!!c,u[u.indexOf(i)]=null),n.__e(e,_,t)}}function D(e,_){n.__c&&n.__c(_,e),e.some(function(_){try{e=_.__h,_.__h=[],e.some(function(e){e.call(_)})}catch(e){n.__e(e,_.__v)}})}function w(n,_,t,o,r,u,i,c){var s,a,p,h=t.props,d=_.props,y=_.type,m=0;if("svg"===y&&(r=!0),null!=u)for(;m<u.length;m++)if((s=u[m])&&(s===n||(y?s.localName==y:3==s.nodeType))){n=s,u[m]=null;break}if(null==n){if(null===y)return document.createTextNode(d);n=r?document.createElementNS("http://www.w3.org/2000/svg",y):document.createElement(y,d.is&&d),u=null,c=!1}if(null===y)h===d||c&&n.data===d||(n.data=d);else{if(u=u&&e.call(n.childNodes),a=(h=t.props||l).dangerouslySetInnerHTML,p=d.dangerouslySetInnerHTML,!c){if(null!=u)for(h={},m=0;m<n.attributes.length;m++)h[n.attributes[m].name]=n.attributes[m].value;(p||a)&&(p&&(a&&p.__html==a.__html||p.__html===n.innerHTML)||(n.innerHTML=p&&p.__html||""))}if(function(e,n,_,t,o){var r;for(r in _)"children"===r||"key"===r||r in n||H(e,r,null,_[r],t);for(r in n)o&&"function"!=typeof n[r]||"children"===r||"key"===r||"value"===r||"checked"===r||_[r]===n[r]||H(e,r,n[r],_[r],t)}(n,d,h,r,c),p)_.__k=[];else if(m=_.props.children,k(n,Array.isArray(m)?m:[m],_,t,o,r&&"foreignObject"!==y,u,i,u?u[0]:t.__k&&v(t,0),c),null!=u)for(m=u.length;m--;)null!=u[m]&&f(u[m]);c||("value"in d&&void 0!==(m=d.value)&&(m!==n.value||"progress"===y&&!m)&&H(n,"value",m,h.value,!1),"checked"in d&&void 0!==(m=d.checked)&&m!==n.checked&&H(n,"checked",m,h.checked,!1))}return n}function T(e,_,t){try{"function"==typeof e?e(_):e.current=_}catch(e){n.__e(e,t)}}function U(e,_,t){var o,r;if(n.unmount&&n.unmount(e),(o=e.ref)&&(o.current&&o.current!==e.__e||T(o,null,_)),null!=(o=e.__c)){if(o.componentWillUnmount)try{o.componentWillUnmount()}catch(e){n.__e(e,_)}o.base=o.__P=null}if(o=e.__k)for(r=0;r<o.length;r++)o[r]&&U(o[r],_,"function"!=typeof e.type);t||null==e.__e||f(e.__e),e.__e=e.__d=void 0}function A(e,n,_){return this.constructor(e,_)}function M(_,t,o){var r,u,i;n.__&&n.__(_,t),u=(r="function"==typeof o)?null:o&&o.__k||t.__k,i=[],P(t,_=(!r&&o||t).__k=a(h,null,[_]),u||l,l,void 0!==t.ownerSVGElement,!r&&o?[o]:u?null:t.firstChild?e.call(t.childNodes):null,i,!r&&o?o:u?u.__e:t.firstChild,r),D(i,_)}function F(e,n){var _={__c:n="__cC"+u++,__:e,Consumer:function(e,n){return e.children(n)},Provider:function(e){var _,t;return this.getChildContext||(_=[],(t={})[n]=this,this.getChildContext=function(){return t},this.shouldComponentUpdate=function(e){this.props.value!==e.value&&_.some(m)},this.sub=function(e){_.push(e);var n=e.componentWillUnmount;e.componentWillUnmount=function(){_.splice(_.indexOf(e),1),n&&n.call(e)}}),e.children}};return _.Provider.__=_.Consumer.contextType=_}e=i.slice,n={__e:function(e,n){for(var _,t,o;n=n.__;)if((_=n.__c)&&!_.__)try{if((t=_.constructor)&&null!=t.getDerivedStateFromError&&(_.setState(t.getDerivedStateFromError(e)),o=_.__d),null!=_.componentDidCatch&&(_.componentDidCatch(e),o=_.__d),o)return _.__E=_}catch(n){e=n}throw e}},_=0,d.prototype.setState=function(e,n){var _;_=null!=this.__s&&this.__s!==this.state?this.__s:this.__s=s({},this.state),"function"==typeof e&&(e=e(s({},_),this.props)),e&&s(_,e),null!=e&&this.__v&&(n&&this.__h.push(n),m(this))},d.prototype.forceUpdate=function(e){this.__v&&(this.__e=!0,e&&this.__h.push(e),m(this))},d.prototype.render=h,t=[],o="function"==typeof Promise?Promise.prototype.then.bind(Promise.resolve()):setTimeout,g.__r=0,u=0;var L,N,W,R=0,I=[],O=n.__b,V=n.__r,q=n.diffed,B=n.__c,$=n.unmount;function j(e,_){n.__h&&n.__h(N,e,R||_),R=0;var t=N.__H||(N.__H={__:[],__h:[]});return e>=t.__.length&&t.__.push({}),t.__[e]}function G(e){return R=1,z(ie,e)}function z(e,n,_){var t=j(L++,2);return t.t=e,t.__c||(t.__=[_?_(n):ie(void 0,n),function(e){var n=t.t(t.__[0],e);t.__[0]!==n&&(t.__=[n,t.__[1]],t.__c.setState({}))}],t.__c=N),t.__}function J(e,_){var t=j(L++,3);!n.__s&&le(t.__H,_)&&(t.__=e,t.__H=_,N.__H.__h.push(t))}function K(e,_){var t=j(L++,4);!n.__s&&le(t.__H,_)&&(t.__=e,t.__H=_,N.__h.push(t))}function Q(e){return R=5,Y(function(){return{current:e}},[])}function X(e,n,_){R=6,K(function(){"function"==typeof e?e(n()):e&&(e.current=n())},null==_?_:_.concat(e))}function Y(e,n){var _=j(L++,7);return le(_.__H,n)&&(_.__=e(),_.__H=n,_.__h=e),_.__}function Z(e,n){return R=8,Y(function(){return e},n)}function ee(e){var n=N.context[e.__c],_=j(L++,9);return _.c=e,n?(null==_.__&&(_.__=!0,n.sub(N)),n.props.value):e.__}function ne(e,_){n.useDebugValue&&n.useDebugValue(_?_(e):e)}function _e(e){var n=j(L++,10),_=G();return n.__=e,N.componentDidCatch||(N.componentDidCatch=function(e){n.__&&n.__(e),_[1](e)}),[_[0],function(){_[1](void 0)}]}function te(){I.forEach(function(e){if(e.__P)try{e.__H.__h.forEach(re),e.__H.__h.forEach(ue),e.__H.__h=[]}catch(_){e.__H.__h=[],n.__e(_,e.__v)}}),I=[]}n.__b=function(e){N=null,O&&O(e)},n.__r=function(e){V&&V(e),L=0;var n=(N=e.__c).__H;n&&(n.__h.forEach(re),n.__h.forEach(ue),n.__h=[])},n.diffed=function(e){q&&q(e);var _=e.__c;_&&_.__H&&_.__H.__h.length&&(1!==I.push(_)&&W===n.requestAnimationFrame||((W=n.requestAnimationFrame)||function(e){var n,_=function(){clearTimeout(t),oe&&cancelAnimationFrame(n),setTimeout(e)},t=setTimeout(_,100);oe&&(n=requestAnimationFrame(_))})(te)),N=void 0},n.__c=function(e,_){_.some(function(e){try{e.__h.forEach(re),e.__h=e.__h.filter(function(e){return!e.__||ue(e)})}catch(t){_.some(function(e){e.__h&&(e.__h=[])}),_=[],n.__e(t,e.__v)}}),B&&B(e,_)},n.unmount=function(e){$&&$(e);var _=e.__c;if(_&&_.__H)try{_.__H.__.forEach(re)}catch(e){n.__e(e,_.__v)}};var oe="function"==typeof requestAnimationFrame;function re(e){var n=N;"function"==typeof e.__c&&e.__c(),N=n}function ue(e){var n=N;e.__c=e.__(),N=n}function le(e,n){return!e||e.length!==n.length||n.some(function(n,_){return n!==e[_]})}function ie(e,n){return"function"==typeof n?n(e):n}var ce=function(e,n,_,t){var o;n[0]=0;for(var r=1;r<n.length;r++){var u=n[r++],l=n[r]?(n[0]|=u?1:2,_[n[r++]]):n[++r];3===u?t[0]=l:4===u?t[1]=Object.assign(t[1]||{},l):5===u?(t[1]=t[1]||{})[n[++r]]=l:6===u?t[1][n[++r]]+=l+"":u?(o=e.apply(l,ce(e,l,_,["",null])),t.push(o),l[0]?n[0]|=2:(n[r-2]=0,n[r]=o)):t.push(l)}return t},se=new Map,fe=function(e){var n=se.get(this);return n||(n=new Map,se.set(this,n)),(n=ce(this,n.get(e)||(n.set(e,n=function(e){for(var n,_,t=1,o="",r="",u=[0],l=function(e){1===t&&(e||(o=o.replace(/^\\s*\\n\\s*|\\s*\\n\\s*$/g,"")))?u.push(0,e,o):3===t&&(e||o)?(u.push(3,e,o),t=2):2===t&&"..."===o&&e?u.push(4,e,0):2===t&&o&&!e?u.push(5,0,!0,o):t>=5&&((o||!e&&5===t)&&(u.push(t,0,o,_),t=6),e&&(u.push(t,e,0,_),t=6)),o=""},i=0;i<e.length;i++){i&&(1===t&&l(),l(i));for(var c=0;c<e[i].length;c++)n=e[i][c],1===t?"<"===n?(l(),u=[u],t=3):o+=n:4===t?"--"===o&&">"===n?(t=1,o=""):o=n+o[0]:r?n===r?r="":o+=n:'"'===n||"'"===n?r=n:">"===n?(l(),t=1):t&&("="===n?(t=5,_=o,o=""):"/"===n&&(t<5||">"===e[i][c+1])?(l(),3===t&&(u=u[0]),t=u,(u=u[0]).push(2,0,t),t=0):" "===n||"\\t"===n||"\\n"===n||"\\r"===n?(l(),t=2):o+=n),3===t&&"!--"===o&&(t=4,u=u[0])}return l(),u}(e)),n),arguments,[])).length>1?n:n[0]}.bind(a);export{a as h,fe as html,M as render,d as Component,F as createContext,G as useState,z as useReducer,J as useEffect,K as useLayoutEffect,Q as useRef,X as useImperativeHandle,Y as useMemo,Z as useCallback,ee as useContext,ne as useDebugValue,_e as useErrorBoundary};
`,
  },
};
