import { describeValue } from '../../core/describe-value.js';

/** A question that cannot be answered, and with which status that is told. */
export class DashboardRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const MOST_CHARACTERS = 4_096;

/** The values of a query or a body: each is asked for once, and what nobody asks for is refused. */
export class Fields {
  private readonly values: Readonly<Record<string, unknown>>;

  /** Where nothing can be asked for. */
  static none(given: unknown): void {
    if (Object.keys(given ?? {}).length > 0) {
      throw new DashboardRefusal(400, 'This is asked for without a query.');
    }
  }

  constructor(given: unknown, known: readonly string[]) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw new DashboardRefusal(400, `An object of ${known.join(', ')} is needed.`);
    }
    const unknown = Object.keys(given).find((key) => !known.includes(key));
    if (unknown !== undefined) {
      throw new DashboardRefusal(
        400,
        `There is no ${describeValue(unknown)}; there are ${known.join(', ')}.`,
      );
    }
    this.values = given as Record<string, unknown>;
  }

  text(key: string): string {
    const value = this.optionalText(key);
    if (value === undefined) throw new DashboardRefusal(400, `"${key}" is missing.`);
    return value;
  }

  optionalText(key: string, most = MOST_CHARACTERS): string | undefined {
    const value = this.values[key];
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string' && value.length <= most) return value;
    throw this.refusal(key, `a text of up to ${most} characters`);
  }

  oneOf<T extends string>(key: string, values: readonly T[]): T {
    const value = this.optionalOneOf(key, values);
    if (value === undefined) throw new DashboardRefusal(400, `"${key}" is missing.`);
    return value;
  }

  optionalOneOf<T extends string>(key: string, values: readonly T[]): T | undefined {
    const value = this.optionalText(key);
    if (value === undefined || values.includes(value as T)) return value as T | undefined;
    throw this.refusal(key, `one of ${values.join(', ')}`);
  }

  /** Queries have texts, and bodies numbers. */
  wholeNumber(key: string, most: number): number | undefined {
    const value = this.values[key];
    if (value === undefined || value === '') return undefined;
    const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
    if (Number.isSafeInteger(number) && (number as number) >= 1 && (number as number) <= most) {
      return number as number;
    }
    throw this.refusal(key, `a whole number from 1 to ${most}`);
  }

  private refusal(key: string, wanted: string): DashboardRefusal {
    return new DashboardRefusal(
      400,
      `"${key}" is ${describeValue(this.values[key])}, and not ${wanted}.`,
    );
  }
}
