// The frame around the views, which are parts of the address.
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
  return html`
    <a
      class="skip"
      href="#main"
      onClick=${(event) => (event.preventDefault(), main.current.focus())}
      >Skip to the content</a
    >
    <header>
      <p class="brand">
        <img src=${new URL('icon.svg', import.meta.url).href} alt="" width="22" height="22" /> Locks
      </p>
      ${news.title && html`<p class="tag accent">${news.title}</p>`}
      <nav aria-label="Views">
        ${TABS.map(([to, text]) => html`<a href=${`#${to}`} aria-current=${to === tab ? 'page' : undefined}>${text}</a>`)}
      </nav>
      <p class="live">
        <span class=${`state ${news.error ? 'bad' : isPaused ? 'late' : 'good'}`}>
          ${news.error ? 'Stale' : isPaused ? 'Paused' : 'Live'}
        </span>
        <button type="button" aria-pressed=${isPaused} onClick=${() => setPaused(!isPaused)}>
          Pause
        </button>
      </p>
    </header>
    <main id="main" tabindex="-1" ref=${main}>
      <div role="status">
        ${news.error && news.at && html`<${Stale} error=${news.error} at=${news.at} now=${clock} />`}
      </div>
      <${View} key=${path} shell=${shell} query=${query} />
    </main>
    <footer>
      <p>
        ${news.isReadOnly === false ? 'What is done here is told to everybody, with who did it.' : 'This page is read-only.'}
      </p>
    </footer>
  `;
}

const Stale = ({ error, at, now }) => html`
  <div class="stale">
    <p><b>${titleOf(error)}.</b> ${error.message}</p>
    <p>What is shown is as of ${timeOfDay(at)}, ${age(now - at)} ago.</p>
  </div>
`;

const root = document.getElementById('app');
root.replaceChildren();
render(html`<${App} />`, root);
