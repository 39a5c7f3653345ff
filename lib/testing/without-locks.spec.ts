import { describe, expect, it } from '@jest/globals';
import { resolveModuleOptions } from '../lock-module-options.js';
import { LockOptionsError } from '../lock.errors.js';
import { LockService } from '../lock.service.js';
import { Locked } from '../locked.decorator.js';
import { UnlockedStore } from './unlocked.store.js';
import { withoutLocks } from './without-locks.js';

describe('UnlockedStore', () => {
  it('grants every lock to everybody, with tokens that grow', async () => {
    const locks = new LockService(resolveModuleOptions({ store: new UnlockedStore() }));
    const [first, second] = [await locks.acquire('a'), await locks.acquire('a')];
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    expect(await locks.withLock('a', (lock) => lock.isHeld)).toBe(true);
    await first.extend('1 minute');
    expect(await first.release()).toBe('released');
    expect(second.isHeld).toBe(true);
    expect(await locks.inspect('a')).toBeNull();
    expect(await locks.forceRelease('a')).toBeNull();
    await second.release();
  });
});

describe('withoutLocks', () => {
  class InvoiceService {
    constructor(readonly prefix: string) {}

    @Locked('invoice:<id>', { wait: 0 })
    async issue(id: number, work: () => Promise<void> = async () => {}): Promise<string> {
      await work();
      return `${this.prefix}${id}`;
    }
  }

  class SpecialInvoiceService extends InvoiceService {}

  it('gives the same object back, whose methods run', async () => {
    const invoices = new InvoiceService('no ');
    expect(withoutLocks(invoices)).toBe(invoices);
    expect(await invoices.issue(42)).toBe('no 42');
    expect(Object.keys(invoices)).toEqual(['prefix']);
  });

  it('locks nothing', async () => {
    const invoices = withoutLocks(new InvoiceService('no '));
    const inside = async () => {
      expect(await invoices.issue(42)).toBe('no 42');
    };
    expect(await invoices.issue(42, inside)).toBe('no 42');
  });

  it('still refuses a key that is none', async () => {
    const invoices = withoutLocks(new InvoiceService('no '));
    await expect(invoices.issue(undefined as never)).rejects.toMatchObject({ code: 'LOCK_KEY' });
  });

  it('reaches methods that are inherited', async () => {
    expect(await withoutLocks(new SpecialInvoiceService('no ')).issue(1)).toBe('no 1');
  });

  it('touches no other object of the class', async () => {
    withoutLocks(new InvoiceService('a'));
    await expect(new InvoiceService('b').issue(1)).rejects.toMatchObject({
      code: 'LOCK_SERVICE_MISSING',
    });
  });

  it('refuses an object that has nothing locked', () => {
    class Plain {}
    expect(() => withoutLocks(new Plain())).toThrow(LockOptionsError);
    expect(() => withoutLocks(new Plain())).toThrow('Plain has no method decorated with @Locked');
  });
});
