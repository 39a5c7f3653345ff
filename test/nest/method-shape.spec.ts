import { describe, expect, it } from '@jest/globals';
import { applyDecorators, Get, Header, Injectable, SetMetadata } from '@nestjs/common';
import { Locked, LockService } from 'nestjs-locker';
import { withoutLocks } from 'nestjs-locker/testing';
import { startApp } from './fixtures/app.js';

const marker = Symbol('marker');
const custom = (value: unknown): MethodDecorator => {
  return (_target, _key, descriptor) => {
    Object.assign(descriptor.value as object, { custom: value, [marker]: value });
  };
};

/** As many a decorator does it: another function in the method's place. */
const wrapped = (calls: string[], label: string): MethodDecorator => {
  return (_target, _key, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as (...args: unknown[]) => Promise<unknown>;
    descriptor.value = async function (this: unknown, ...args: unknown[]) {
      calls.push(`${label} in`);
      const result = await method.apply(this, args);
      calls.push(`${label} out`);
      return result;
    };
  };
};

class Invoice {
  id = 7;
}

function classWith(locked: MethodDecorator, Invoices = class InvoiceService {}) {
  class Decorated extends Invoices {
    @custom('below')
    @SetMetadata('below', 1)
    @SetMetadata(marker, 2)
    @Get('below')
    @locked
    @custom('above')
    @SetMetadata('above', 3)
    @Header('x', 'y')
    async issue(invoice: Invoice, _amount: number, ..._rest: string[]): Promise<number> {
      return invoice.id;
    }
  }

  return Decorated;
}

describe('a decorated method', () => {
  const Plain = classWith(() => undefined);
  const Decorated = classWith(Locked('invoice:<invoice.id>') as MethodDecorator);
  const [plain, decorated] = [Plain.prototype, Decorated.prototype];
  const methodOf = (prototype: object): Function => Reflect.get(prototype, 'issue') as Function;
  const [plainMethod, method] = [methodOf(plain), methodOf(decorated)];

  it('keeps name, length, own properties and descriptor', () => {
    expect(method.name).toBe('issue');
    expect(method).toHaveLength(plainMethod.length);
    expect(Reflect.ownKeys(method)).toEqual(Reflect.ownKeys(plainMethod));
    expect(Object.assign({}, method)).toMatchObject({ custom: 'below', [marker]: 'below' });
    const { value: _, ...attributes } = Object.getOwnPropertyDescriptor(plain, 'issue')!;
    expect(Object.getOwnPropertyDescriptor(decorated, 'issue')).toMatchObject(attributes);
    expect(Object.keys(decorated)).toEqual(Object.keys(plain));
    expect(Object.getOwnPropertyNames(decorated)).toEqual(Object.getOwnPropertyNames(plain));
  });

  it('keeps its metadata, from above and below, with text and symbol keys', () => {
    const all = (method: object): [unknown, unknown][] =>
      Reflect.getMetadataKeys(method)
        .map((key): [unknown, unknown] => [key, Reflect.getMetadata(key, method)])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    expect(all(method)).toEqual(all(plainMethod));
    expect(Reflect.getMetadata(marker, method)).toBe(2);
    expect(Reflect.getMetadata('above', method)).toBe(3);
  });

  it('keeps design:*', () => {
    for (const key of ['design:type', 'design:paramtypes', 'design:returntype']) {
      const expected: unknown = Reflect.getMetadata(key, plain, 'issue');
      expect(expected).toBeDefined();
      expect(Reflect.getMetadata(key, decorated, 'issue')).toEqual(expected);
    }
  });

  it('is called as it was: this, arguments, result', async () => {
    const service = withoutLocks(new Decorated());
    expect(await service.issue(new Invoice(), 1, 'a', 'b')).toBe(7);
  });

  it('works by applyDecorators', async () => {
    const Once = (key: string) =>
      // Without the cast the compiler misses a refusal of synchronous methods.
      applyDecorators(SetMetadata('once', key), Locked(key, { onBusy: 'skip' }) as MethodDecorator);

    @Injectable()
    class Service {
      constructor(private readonly locks: LockService) {}

      @Once('once')
      async run(): Promise<string | undefined> {
        return this.locks.current()?.name;
      }
    }

    const { app, store } = await startApp({ providers: [Service] });
    expect(await app.get(Service).run()).toBe('once');
    expect(Reflect.getMetadata('once', Reflect.get(Service.prototype, 'run') as Function)).toBe(
      'once',
    );
    await store.busy('once');
    expect(await app.get(Service).run()).toBeUndefined();
  });

  it('works between other wrapping decorators', async () => {
    const calls: string[] = [];

    @Injectable()
    class Service {
      constructor(private readonly locks: LockService) {}

      @wrapped(calls, 'outer')
      @Locked('key:<0.id>', { onBusy: () => 'busy' })
      @wrapped(calls, 'inner')
      async run(invoice: Invoice): Promise<string> {
        return `${invoice.id}:${this.locks.current()?.name}`;
      }
    }

    const { app, store } = await startApp({ providers: [Service] });
    expect(await app.get(Service).run(new Invoice())).toBe('7:key:7');
    expect(calls).toEqual(['outer in', 'inner in', 'inner out', 'outer out']);
    calls.length = 0;
    await store.busy('key:7');
    expect(await app.get(Service).run(new Invoice())).toBe('busy');
    expect(calls).toEqual(['outer in', 'outer out']);
  });

  it('may have two locks, the upper one taken first', async () => {
    @Injectable()
    class Service {
      constructor(private readonly locks: LockService) {}

      @Locked('outer:<from>', { onBusy: () => ['outer busy'] })
      @Locked('inner:<to>', { onBusy: () => ['inner busy'] })
      async move(from: string, to: string): Promise<(string | undefined)[]> {
        const { locks } = this;
        return [locks.current()?.name, locks.current(`outer:${from}`)?.name, to];
      }
    }

    const { app, store, locks } = await startApp({ providers: [Service] });
    const service = app.get(Service);
    expect(await service.move('a', 'b')).toEqual(['inner:b', 'outer:a', 'b']);
    await store.busy('inner:b');
    expect(await service.move('a', 'b')).toEqual(['inner busy']);
    expect(locks.held()).toEqual([]);
    await store.busy('outer:a');
    expect(await service.move('a', 'b')).toEqual(['outer busy']);
  });
});

describe('an instance with a decorated method', () => {
  it('looks like one without', async () => {
    @Injectable()
    class InvoiceService {
      id = 7;
      // Names that a library might well have taken.
      lockService = 'mine';
      locks = 'mine too';
      redlockService = { mine: true };

      @Locked('invoice:<this.id>')
      async issue(): Promise<string> {
        return `${this.lockService}, ${this.locks}`;
      }
    }

    const { app } = await startApp({ providers: [InvoiceService] });
    const service = app.get(InvoiceService);
    expect(await service.issue()).toBe('mine, mine too');
    const fields = {
      id: 7,
      lockService: 'mine',
      locks: 'mine too',
      redlockService: { mine: true },
    };
    expect(Object.assign({}, service)).toStrictEqual(fields);
    expect(service).toEqual(fields);
    expect(service).toEqual(new InvoiceService());
    expect(JSON.parse(JSON.stringify(service))).toEqual(fields);
    expect(Object.keys(service)).toEqual(Object.keys(fields));
    expect(Object.getOwnPropertyNames(service)).toEqual(Object.keys(fields));
    expect(structuredClone(Object.assign({}, service))).toEqual(fields);
    const seen: string[] = [];
    for (const key in service) seen.push(key);
    expect(seen).toEqual(Object.keys(fields));
  });
});
