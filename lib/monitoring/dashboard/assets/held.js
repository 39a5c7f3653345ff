// Which names are held: searched, and page by page.
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
  return html`
    <h1>${kind === 'semaphore' ? 'Semaphores' : 'Locks'} held now</h1>
    <${Search} search=${search} kind=${kind} />
    <${Loaded} live=${live}>
      ${live.data && html`<${Names} ...${{ shell, live, search, kind, cursor, link }} />`}
    <//>
  `;
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
  return html`
    <form class="search" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label>
        <span>Search names</span>
        <input
          type="search"
          value=${text}
          maxlength="1000"
          placeholder="invoice:4 or invoice:*"
          autocomplete="off"
          spellcheck=${false}
          onInput=${(event) => setText(event.target.value)}
        />
      </label>
      <nav class="choice" aria-label="Kind">
        ${KINDS.map(
          ([value, title]) =>
            html`<a
              href=${withQuery('#/locks', { search: text, kind: value })}
              aria-current=${value === kind ? 'true' : undefined}
              >${title}</a
            >`,
        )}
      </nav>
      ${text && html`<p><a href=${nameLink(text, kind || 'lock')}>Look up exactly this name</a></p>`}
    </form>
  `;
}

function Names({ shell, live, search, kind, cursor, link }) {
  const { names, total, cursor: next, at } = live.data;
  const all = `${plural(total, 'lease')} in all`;
  if (names.length === 0 && !next && !cursor) {
    return html`<${Nothing} search=${search} total=${total} />`;
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
  return html`
    <p class="hint" role="status">
      ${search || kind ? `${plural(names.length, 'name')} on this page, of ${all}` : all}
      ${live.isLoading && ' · searching …'}
    </p>
    <${Table} caption="Names that are held" head=${head}>
      ${names.map((held) => html`<${Row} key=${`${held.kind} ${held.name}`} held=${held} now=${shell.now} passedMs=${shell.now - at} />`)}
    <//>
    ${names.length === 0 && html`<p class="hint">None so far. There is more to be searched on the next page.</p>`}
    <${Pager}
      first=${link({ cursor: '' })}
      next=${next && link({ cursor: next })}
      isFirst=${!cursor}
    />
  `;
}

const Nothing = ({ search, total }) =>
  search
    ? html`<${Empty} title="No name is found">
        None of ${plural(total, 'lease')} has “${search}” in its name. With * and ? it has to be the
        whole name.
      <//>`
    : html`<${Empty} title="Nothing is held">
        Locks are listed when they have been held for about a second. Any other can be looked up by its name.
      <//>`;

function Row({ held, now, passedMs }) {
  const { name, kind, holders, permits, waiting } = held;
  const [first, ...others] = holders;
  if (!first) return null;
  return html`
    <tr>
      <th scope="row" data-label="Name"><${Name} name=${name} kind=${kind} /></th>
      <td data-label="Kind"><${Kind} kind=${kind} units=${first.units} /></td>
      <td data-label="Held for"><${Age} since=${first.since} now=${now} /></td>
      <td data-label=${kind === 'semaphore' ? 'Permits' : 'Lease'}>
        ${
          kind === 'semaphore'
            ? html`<${Permits} taken=${permitsTaken(holders)} permits=${permits} />`
            : html`<${Lease} lease=${first} id=${name} passedMs=${passedMs} />`
        }
      </td>
      <td data-label="Holder">
        <${Owner}
          of=${first}
        />${others.length > 0 && html`<small>and ${number(others.length)} more</small>`}
      </td>
      <td class="right number" data-label="Fencing token">${first.fencingToken}</td>
      <td class="right number" data-label="Waiting">${waiting === 0 ? '–' : number(waiting)}</td>
    </tr>
  `;
}
