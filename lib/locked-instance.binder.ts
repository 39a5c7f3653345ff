import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { getLockServiceToken } from './inject-lock-service.decorator.js';
import { LockOptionsError } from './lock.errors.js';
import type { LockService } from './lock.service.js';
import { declaredOn, howToProvide } from './locked-service-property.js';

/** Services given here. What another application gave to a shared instance has ended with that. */
const given = new WeakSet<LockService>();

/** Gives their LockService to what `useFactory` and `useValue` provide: Nest injects no properties there. */
@Injectable()
export class LockedInstanceBinder implements OnModuleInit {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  onModuleInit(): void {
    for (const { providers } of this.modules.values()) {
      for (const wrapper of providers.values()) {
        if (wrapper.isNotMetatype) this.bindProvided(wrapper);
      }
    }
  }

  private bindProvided(wrapper: InstanceWrapper): void {
    this.bind(wrapper.instance);
    for (const transient of wrapper.getStaticTransientInstances()) this.bind(transient?.instance);
    if (!wrapper.isFactory) return;
    // Of a factory that is request-scoped or transient, more instances will follow.
    const make = wrapper.metatype as (...args: unknown[]) => unknown;
    wrapper.metatype = async (...args: unknown[]) => this.bind(await make(...args));
  }

  private bind(instance: unknown): unknown {
    if (typeof instance !== 'object' || instance === null) return instance;
    for (const [using, property] of declaredOn(instance)) {
      const target = instance as Record<symbol, LockService | undefined>;
      const present = target[property];
      if (!present || given.has(present)) target[property] = this.find(using, instance);
    }
    return instance;
  }

  private find(using: string | undefined, instance: object): LockService {
    try {
      const service = this.moduleRef.get(getLockServiceToken(using), { strict: false });
      given.add(service);
      return service;
    } catch (cause) {
      throw new LockOptionsError(
        `${instance.constructor.name} has a method decorated with @Locked, but there is no LockService for it: ${howToProvide(using)}.`,
        { cause },
      );
    }
  }
}
