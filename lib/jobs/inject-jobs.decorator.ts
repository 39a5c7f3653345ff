import { Inject, type InjectionToken } from '@nestjs/common';
import { JobLockManager } from './job-lock-manager.js';
import { JobSemaphore } from './job-semaphore.js';

/**
 * The token under which a `JobLockManager` is provided: the class itself, or a text for a named one.
 *
 * @example
 * const manager = app.get<JobLockManager>(getJobLockManagerToken('billing'));
 */
export function getJobLockManagerToken(name?: string): InjectionToken<JobLockManager> {
  return name === undefined ? JobLockManager : `JobLockManager:${name}`;
}

/**
 * The token under which a `JobSemaphore` is provided: the class itself, or a text for a named one.
 *
 * @example
 * const semaphore = app.get<JobSemaphore>(getJobSemaphoreToken('billing'));
 */
export function getJobSemaphoreToken(name?: string): InjectionToken<JobSemaphore> {
  return name === undefined ? JobSemaphore : `JobSemaphore:${name}`;
}

/**
 * Injects the `JobLockManager` of `LockModule.forRoot({ name })`.
 *
 * @example
 * constructor(@InjectJobLockManager('billing') private readonly manager: JobLockManager) {}
 */
export function InjectJobLockManager(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getJobLockManagerToken(name));
}

/**
 * Injects the `JobSemaphore` of `LockModule.forRoot({ name })`.
 *
 * @example
 * constructor(@InjectJobSemaphore('billing') private readonly semaphore: JobSemaphore) {}
 */
export function InjectJobSemaphore(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getJobSemaphoreToken(name));
}
