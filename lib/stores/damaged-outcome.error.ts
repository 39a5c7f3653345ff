/**
 * What is kept of a name cannot be read: it is damaged, or somebody else's key. A store fails with it, so that lists can
 * leave out the one name; callers find it as the `cause` of a `LockStoreError`.
 *
 * @example
 * if (error instanceof LockStoreError && error.cause instanceof DamagedOutcomeError) alert(error.cause.elementName);
 */
export class DamagedOutcomeError extends Error {
  constructor(
    readonly elementName: string,
    cause: unknown,
  ) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`What is kept of "${elementName}" cannot be read: ${why}`, { cause });
    this.name = 'DamagedOutcomeError';
  }
}
