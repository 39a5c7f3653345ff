import { Redlock } from '@sesamecare-oss/redlock';
import { Redis } from 'ioredis';
import { redlockContestant } from './redlock-setup.mjs';
import { versionOf } from './version-of.mjs';

export default redlockContestant({
  name: 'sesamecare-redlock',
  version: versionOf('@sesamecare-oss/redlock'),
  create: (url, settings) => new Redlock([new Redis(url)], settings),
});
