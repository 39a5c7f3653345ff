import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable } from '@nestjs/common';
import { Locked, LockModule, LockService } from 'nestjs-locker';
import { TestLockStore } from 'nestjs-locker/testing';
import { errorOf } from '../support/lock-service.js';
import { startApp } from './fixtures/app.js';

@Injectable()
class Basis {
  @Inject(LockService) readonly locks!: LockService;
  @Inject('currency') readonly currency!: string;

  @Locked('issue:<id>')
  async issue(id: number): Promise<string> {
    return `${this.constructor.name} ${id} ${this.locks.current()?.name}`;
  }

  @Locked('cancel:<id>')
  async cancel(id: number): Promise<string> {
    return `${this.constructor.name} ${id} ${this.locks.current()?.name}`;
  }
}

@Injectable()
class Plain extends Basis {}

@Injectable()
class Overriding extends Basis {
  override async issue(id: number): Promise<string> {
    return `unlocked ${id} ${this.locks.current()?.name}`;
  }

  override async cancel(id: number): Promise<string> {
    return `super: ${await super.cancel(id)}, then ${this.locks.current()?.name}`;
  }
}

@Injectable()
class Relocking extends Basis {
  @Inject('tax') readonly tax!: number;

  @Locked('outer:<id>')
  override async issue(id: number): Promise<string> {
    return `${this.tax}${this.currency}: ${await super.issue(id)}`;
  }

  @Locked('billing:<id>', { using: 'billing' })
  async bill(id: number): Promise<string> {
    return `${id} ${this.locks.current()?.name}`;
  }
}

@Injectable()
class Deepest extends Relocking {
  @Inject('depth') readonly depth!: number;

  @Locked('deep:<id>')
  async deep(id: number): Promise<unknown[]> {
    return [id, this.depth, this.tax, this.currency, this.locks.current()?.name];
  }
}

describe('inheritance', () => {
  const start = async () => {
    const billing = new TestLockStore();
    const started = await startApp({
      imports: [LockModule.forRoot({ name: 'billing', store: billing })],
      providers: [
        { provide: 'currency', useValue: '€' },
        { provide: 'tax', useValue: 20 },
        { provide: 'depth', useValue: 3 },
        Basis,
        Plain,
        Overriding,
        Relocking,
        Deepest,
      ],
    });
    return { ...started, billing };
  };

  it('an inherited method locks', async () => {
    const { app } = await start();
    expect(await app.get(Basis).issue(1)).toBe('Basis 1 issue:1');
    expect(await app.get(Plain).issue(1)).toBe('Plain 1 issue:1');
    expect(app.get(Plain).currency).toBe('€');
  });

  it('an override without the decorator does not, and super.method() does', async () => {
    const { app } = await start();
    expect(await app.get(Overriding).issue(1)).toBe('unlocked 1 undefined');
    expect(await app.get(Overriding).cancel(1)).toBe(
      'super: Overriding 1 cancel:1, then undefined',
    );
  });

  it('an override with the decorator takes both locks', async () => {
    const { app, store } = await start();
    expect(await app.get(Relocking).issue(1)).toBe('20€: Relocking 1 issue:1');
    await store.busy('outer:2');
    const refused = errorOf(app.get(Relocking).issue(2));
    await store.clock.advance('5s');
    expect(await refused).toMatchObject({ lockName: 'outer:2' });
  });

  it('subclasses have their own injected properties, and locks of several modules', async () => {
    const { app, billing } = await start();
    const deepest = app.get(Deepest);
    expect(await deepest.deep(1)).toEqual([1, 3, 20, '€', 'deep:1']);
    expect(await deepest.issue(1)).toBe('20€: Deepest 1 issue:1');
    expect(await deepest.bill(1)).toBe('1 undefined');
    await billing.busy('billing:2');
    const refused = errorOf(deepest.bill(2));
    await billing.clock.advance('5s');
    expect(await refused).toMatchObject({ lockName: 'billing:2' });
  });
});
