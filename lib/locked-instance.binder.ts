import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { getLockServiceToken } from './inject-lock-service.decorator.js';
import type { LockService } from './lock.service.js';
import { declaredOn } from './locked-service-property.js';

/** Gives their LockService to instances that a provider's factory made: Nest injects no properties there. */
@Injectable()
export class LockedInstanceBinder implements OnModuleInit {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  onModuleInit(): void {
    for (const module of this.modules.values()) {
      for (const { instance, inject } of module.providers.values()) {
        if (inject && typeof instance === 'object' && instance !== null) this.bind(instance);
      }
    }
  }

  private bind(instance: object): void {
    for (const [using, property] of declaredOn(Object.getPrototypeOf(instance) ?? instance)) {
      const target = instance as Record<symbol, LockService | undefined>;
      target[property] ??= this.find(using);
    }
  }

  private find(using: string | undefined): LockService {
    return this.moduleRef.get<LockService>(getLockServiceToken(using), { strict: false });
  }
}
