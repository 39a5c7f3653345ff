import { Inject, type InjectionToken } from '@nestjs/common';
import { LockService } from './lock.service.js';

/**
 * The token under which a `LockService` is provided: the class itself, or a text for a named one.
 *
 * @example
 * const billing = app.get<LockService>(getLockServiceToken('billing'));
 */
export function getLockServiceToken(name?: string): InjectionToken<LockService> {
  return name === undefined ? LockService : `LockService:${name}`;
}

/**
 * Injects the `LockService` of `LockModule.forRoot({ name })`.
 *
 * @example
 * constructor(@InjectLockService('billing') private readonly locks: LockService) {}
 */
export function InjectLockService(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getLockServiceToken(name));
}
