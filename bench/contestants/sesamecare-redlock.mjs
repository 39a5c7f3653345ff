import { Redlock } from '@sesamecare-oss/redlock';
import { redlockContestant } from './redlock-setup.mjs';
import { versionOf } from './version-of.mjs';

export default redlockContestant({
  name: 'sesamecare-redlock',
  version: versionOf('@sesamecare-oss/redlock'),
  create: (clients, settings) => new Redlock(clients, settings),
});
