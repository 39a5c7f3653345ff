const NAME = 'DamagedOutcomeError';

/**
 * What is kept of a name cannot be read: it is damaged, or somebody else's key. A store fails with it, so that lists can
 * leave out the one name.
 */
export class DamagedOutcomeError extends Error {
  constructor(elementName: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`What is kept of "${elementName}" cannot be read: ${why}`, { cause });
    this.name = NAME;
  }
}

/** Also of a store of the user's own, which has the name alone. */
export const isDamage = (error: unknown): boolean => error instanceof Error && error.name === NAME;
