// Curves over the last minutes, as paths of our own.
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
    path += `${isDown ? 'L' : 'M'}${x(point.atMs).toFixed(1)} ${y(value).toFixed(1)}`;
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
  const summary = lines.map(({ key, title: line }) => `${line} ${now(key)}`).join(', ');

  return html`
    <figure class="card curves">
      <figcaption>
        <h2>${title}</h2>
        <ul class="legend">
          ${lines.map(
            ({ key, title: line }, i) =>
              html`<li>
                <i class=${`line${i}`} aria-hidden="true"></i>${line} <b class="number">${now(key)}</b>
              </li>`,
          )}
        </ul>
      </figcaption>
      ${
        shown.length < 2
          ? html`<p class="hint">${hint}</p>`
          : html`
              <div class="plot">
                <span class="top number" aria-hidden="true">${format(top)}</span>
                <span class="bottom number" aria-hidden="true">0</span>
                <svg
                  viewBox=${`0 0 ${WIDTH} ${HEIGHT}`}
                  preserveAspectRatio="none"
                  role="img"
                  aria-label=${`${title}: now ${summary}`}
                >
                  <path
                    class="grid"
                    d=${`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`}
                  />
                  <path class="area" d=${areaOf(shown, lines[0].key, x, y)} />
                  ${lines.map(({ key }, i) => html`<path class=${`line${i}`} d=${pathOf(shown, key, x, y)} />`)}
                </svg>
              </div>
              <p class="times number" aria-hidden="true">
                <span>${timeOfDay(begin)}</span><span>${timeOfDay(end)}</span>
              </p>
            `
      }
    </figure>
  `;
}

function areaOf(points, key, x, y) {
  const there = points.filter((point) => point[key] !== null);
  if (there.length < points.length || there.length < 2) return '';
  const line = there.map((point) => `L${x(point.atMs).toFixed(1)} ${y(point[key]).toFixed(1)}`);
  return `M${x(there[0].atMs).toFixed(1)} ${HEIGHT}${line.join('')}L${x(there.at(-1).atMs).toFixed(1)} ${HEIGHT}Z`;
}
