// What one writes by hand over several nodes: no tokens, no deadline, and nobody is waited for once a
// majority has answered.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { COMPARE_AND_DELETE } from './compare-and-delete.mjs';
import { connectTo } from './connect-to.mjs';

/** Whether more than half of the answers are what is asked for, as soon as that is certain. */
function majority(answers, isYes) {
  return new Promise((resolve) => {
    const enough = (answers.length >> 1) + 1;
    let yes = 0;
    let no = 0;
    const count = (answer) => {
      if (isYes(answer)) {
        if (++yes === enough) resolve(true);
      } else if (++no > answers.length - enough) resolve(false);
    };
    for (const answer of answers) answer.then(count, count);
  });
}

const isOk = (answer) => answer === 'OK';
const isNoError = (answer) => !(answer instanceof Error);

export const bareOverNodes = {
  note: '`SET NX PX` and a script that compares and deletes, to all nodes at once, done at the answers of a majority; what a failed attempt got is deleted; polls, with jitter',
  async setUp({ urls, ttlMs, retryMs }) {
    const clients = connectTo(urls);
    const [sha] = await Promise.all(
      clients.map((client) => client.script('LOAD', COMPARE_AND_DELETE)),
    );
    const release = ({ name, owner }) =>
      majority(
        clients.map((client) => client.evalsha(sha, 1, name, owner)),
        isNoError,
      );
    return {
      async acquire(name) {
        const handle = { name, owner: randomUUID() };
        for (;;) {
          const sets = clients.map((client) => client.set(name, handle.owner, 'PX', ttlMs, 'NX'));
          if (await majority(sets, isOk)) return handle;
          await release(handle);
          await sleep(retryMs * (0.5 + Math.random()));
        }
      },
      release,
    };
  },
};
