import { beforeEach, describe } from '@jest/globals';
import { ManualClock, TestLockStore } from 'nestjs-locker/testing';
import { MemoryLockStore } from '../../lib/stores/memory/memory-lock.store.js';
import { behavesAsLockStore } from './lock-store.conformance.js';

describe.each([MemoryLockStore, TestLockStore])('%p', (Store) => {
  let clock: ManualClock;
  let store: MemoryLockStore;
  beforeEach(() => {
    clock = new ManualClock();
    store = new Store(clock);
  });

  behavesAsLockStore(() => ({ store, pass: (ms) => clock.advance(ms), tells: true }));
});
