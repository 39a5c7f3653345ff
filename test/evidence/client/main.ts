// One client process: its callers take locks until it is told to stop. Started by stage/client-process.ts.
import { randomFrom } from '../../simulation/quorum/random.js';
import type { CallEntry, ProcessEntry } from '../history/entry.js';
import { HistoryFile } from '../history/history-file.js';
import { Caller, WANTS } from './caller.js';
import { loadLibrary } from './libraries/open.js';
import { type ClientMessage, type ClientPlan, longestHoldMs } from './plan.js';
import { Storage } from './storage.js';

const plan = JSON.parse(process.argv[2]!) as ClientPlan;

// Nothing stays behind when the one who started it is gone.
process.on('disconnect', () => process.exit());
const history = new HistoryFile<CallEntry | ProcessEntry>(plan.directory, plan.process);
// A library's stray rejection would end an application that does not watch for it; here it is told.
process.on('unhandledRejection', (error) => {
  const what = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  history.add({ type: 'unhandled', what: what.slice(0, 500) });
});

let isOver = false;
process.on('message', (message) => {
  if (message === 'stop') isOver = true;
});
const tell = (message: ClientMessage) => {
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
};

const locks = await (await loadLibrary(plan.library))(plan);
const storage = new Storage(plan.storage, WANTS.length);
let calls = 0;
const context = {
  locks,
  storage,
  history,
  random: randomFrom(plan.seed),
  permits: plan.permits,
  longestHoldMs: longestHoldMs(plan.ttlMs),
  nextCall: () => ++calls,
  isOver: () => isOver,
  tell,
};
tell({ type: 'ready' });
await Promise.all(WANTS.map((wants) => new Caller(context, wants).run()));
await Promise.all([locks.close(), storage.close()]);
process.exit();
