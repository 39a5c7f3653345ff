// One process of a measurement: sets one contestant up, waits for the word, runs its part of a
// workload, and reports. Started by support/workers.mjs.
import { Redis } from 'ioredis';
import { loadContestant } from './contestants/index.mjs';
import { commandsCounted, countCommandsOf, countWithin } from './support/command-counter.mjs';
import { Failures } from './support/failures.mjs';
import { loadWorkload } from './workloads/index.mjs';

const [workloadName, contestantName, settings] = process.argv.slice(2);
const { index, cell, ...lockSettings } = JSON.parse(settings);

// Nothing stays behind when the bench is gone.
process.on('disconnect', () => process.exit());
const failures = new Failures();
// A contestant's stray rejection is counted; the measurement goes on.
process.on('unhandledRejection', (error) => failures.add(error));

const tell = (type, content = {}) => process.send({ type, ...content });
const told = (type) =>
  new Promise((resolve) => {
    const listen = (message) => {
      if (message.type !== type) return;
      process.off('message', listen);
      resolve(message);
    };
    process.on('message', listen);
  });

countCommandsOf(Redis.prototype);
const { work } = await loadWorkload(workloadName);
const contestant = await loadContestant(contestantName);
const { setUp } = lockSettings.urls ? contestant.overNodes : contestant;
const locks = await setUp(lockSettings);

const begin = told('begin');
tell('ready');
const { window } = await begin;
countWithin(window);
const report = await work({ locks, failures, window, index, cell, lockSettings, tell, told });
const facts = await locks.facts?.();
tell('report', { ...report, facts, commands: commandsCounted(), failures: failures.toJSON() });
