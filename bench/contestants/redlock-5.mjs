import Redlock from 'redlock5';
import { redlockContestant } from './redlock-setup.mjs';
import { versionOf } from './version-of.mjs';

export default redlockContestant({
  name: 'redlock-5',
  version: versionOf('redlock5'),
  create: (clients, settings) => new Redlock(clients, settings),
});
