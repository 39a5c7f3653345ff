import { Mutex } from 'async-mutex';
import { versionOf } from './version-of.mjs';

export default {
  name: 'async-mutex',
  version: versionOf('async-mutex'),
  note: 'no Redis: one `Mutex` a name, within one process',
  async setUp() {
    const mutexes = new Map();
    const mutexOf = (name) => {
      if (!mutexes.has(name)) mutexes.set(name, new Mutex());
      return mutexes.get(name);
    };
    return {
      acquire: (name) => mutexOf(name).acquire(),
      release: async (release) => release(),
    };
  },
};
