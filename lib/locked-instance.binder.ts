import { Injectable, type InjectionToken, type OnModuleInit } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { getLockServiceToken } from './inject-lock-service.decorator.js';
import { LockOptionsError } from './lock.errors.js';
import { LockService } from './lock.service.js';
import { declaredOn, howToProvide } from './locked-service-property.js';
import { type LockedUse, usesOf } from './locked-uses.js';

/** Services given here. What another application gave to a shared instance has ended with that. */
const given = new WeakSet<LockService>();

/**
 * Gives their LockService to what `useFactory` and `useValue` provide, since Nest injects no properties there;
 * and refuses, when the application starts, decorated methods that the store behind their service cannot keep.
 */
@Injectable()
export class LockedInstanceBinder implements OnModuleInit {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
  ) {}

  async onModuleInit(): Promise<void> {
    const services = this.services();
    try {
      for (const { providers, controllers, injectables } of this.modules.values()) {
        for (const wrappers of [providers, controllers, injectables]) {
          for (const wrapper of wrappers.values()) this.look(wrapper, services);
        }
      }
    } catch (error) {
      // Nest does not call the shutdown hooks of an application that did not start.
      await Promise.all(services.map(({ service }) => service.onApplicationShutdown()));
      throw error;
    }
  }

  private look(wrapper: InstanceWrapper, services: readonly Provided[]): void {
    if (wrapper.isNotMetatype) return this.bindProvided(wrapper);
    // The class, since not every scope has an instance by now.
    for (const use of usesOf((wrapper.metatype as Function).prototype as object)) {
      const instance = wrapper.instance as object | undefined;
      check(use, (instance && boundTo(instance, use)) ?? theOnlyOne(services, use));
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
    for (const use of usesOf(instance)) check(use, boundTo(instance, use));
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

  private services(): Provided[] {
    return [...this.modules.values()].flatMap(({ providers }) =>
      [...providers].flatMap(([token, { instance: service }]) =>
        service instanceof LockService ? [{ token, service }] : [],
      ),
    );
  }
}

interface Provided {
  readonly token: InjectionToken;
  readonly service: LockService;
}

/** Where modules that are not global have a service each, only Nest knows whose instances will get which. */
function theOnlyOne(services: readonly Provided[], { using }: LockedUse): unknown {
  const token = getLockServiceToken(using);
  const [one, ...others] = services.filter((each) => each.token === token);
  return others.length === 0 ? one?.service : undefined;
}

function boundTo(instance: object, { property }: LockedUse): unknown {
  return (instance as Record<symbol, unknown>)[property];
}

/** A stub that stands for the service has no store behind it. */
function check(use: LockedUse, service: unknown): void {
  if (!(service instanceof LockService)) return;
  const problem = use.problemWith(service.jobs.client.limits);
  if (problem === undefined) return;
  throw new LockOptionsError(
    `${use.what}: ${problem} With the option "using" the method takes another LockModule than this one.`,
  );
}
