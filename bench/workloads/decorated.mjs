import { NestFactory } from '@nestjs/core';
import { OURS } from '../contestants/index.mjs';
import { loadTypeScript } from '../decorated/compile.mjs';
import { now } from '../support/monotonic-clock.mjs';
import { median } from '../support/statistics.mjs';

/** Short rounds, many of them: what disturbs the machine hits few, and the median passes over those. */
const CELLS = [
  { store: 'memory', calls: 200 },
  { store: 'redis', calls: 1 },
];

class BenchModule {}

async function startService({ store, library, url }) {
  const { InvoiceService } = await loadTypeScript('invoice.service.ts', library);
  const { LockModule } = await import(library);
  const options = store === 'redis' ? { redis: url } : { store };
  const module = {
    module: BenchModule,
    imports: [LockModule.forRoot(options)],
    providers: [InvoiceService],
  };
  const app = await NestFactory.createApplicationContext(module, { logger: ['error'] });
  return app.get(InvoiceService);
}

let nextId = 0;

/** Microseconds a call. */
async function round(call, calls) {
  const begin = now();
  for (let i = 0; i < calls; i++) await call(nextId++);
  return ((now() - begin) * 1000) / calls;
}

export default {
  name: 'decorated',
  title: '`@Locked` against `withLock` by hand with the same key: one caller, a new name each time',
  isPinned: true,
  takesPart: ({ name }) => name === OURS,
  cells: CELLS,
  async work({ cell: { store, calls }, lockSettings, window }) {
    const service = await startService({ ...lockSettings, store });
    const decorated = (id) => service.issue(id);
    const byHand = (id) => service.issueByHand(id);
    const begin = now();
    const [from, to] = [begin, begin + window.to - window.from].map((at) => at + 500);

    const more = [];
    const hand = [];
    for (let n = 0; now() < to; n++) {
      // Either goes first every other time.
      const first = await round(n % 2 ? decorated : byHand, calls);
      const second = await round(n % 2 ? byHand : decorated, calls);
      if (now() < from) continue;
      more.push(n % 2 ? first - second : second - first);
      hand.push(n % 2 ? second : first);
    }
    return { more: median(more), byHand: median(hand), rounds: more.length };
  },
  summarize: ({ reports: [{ more, byHand, rounds }], cell: { store } }) => ({
    [`more-${store}`]: more,
    [`byHand-${store}`]: byHand,
    [`rounds-${store}`]: rounds,
  }),
  columns: CELLS.flatMap(({ store }) => [
    { head: `${store}: by hand, µs`, value: (metrics) => metrics[`byHand-${store}`], digits: 1 },
    { head: 'decorated, µs more', value: (metrics) => metrics[`more-${store}`], digits: 2 },
    { head: 'rounds', value: (metrics) => metrics[`rounds-${store}`] },
  ]),
  targets: CELLS.map(({ store }) => ({
    text: `${store}: µs more a call`,
    measure: ({ ours }) => ours[`more-${store}`],
    atMost: 3,
  })),
};
