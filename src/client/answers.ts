import { VerbatimError } from './errors.ts';

// The few checks that the client's own documents need, by hand: a schema library would weigh more than the client.

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** An object of an answer, whose fields are read one by one. Every method throws `VerbatimError` (`UNREADABLE_ANSWER`). */
export class Answer {
  readonly #fields: Fields;

  constructor(value: unknown) {
    if (!isFields(value)) throw unreadable('an object', value);
    this.#fields = value;
  }

  /** All of it, for those who read it in another way. */
  get value(): unknown {
    return this.#fields;
  }

  object(name: string): Answer {
    return new Answer(this.#fields[name]);
  }

  objectOrNull(name: string): Answer | null {
    return this.#isAbsent(name) ? null : this.object(name);
  }

  list(name: string): Answer[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw unreadable(`a list ${name}`, value);
    return value.map((item) => new Answer(item));
  }

  string(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw unreadable(`a string ${name}`, value);
    return value;
  }

  stringOrNull(name: string): string | null {
    return this.#isAbsent(name) ? null : this.string(name);
  }

  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== 'number') throw unreadable(`a number ${name}`, value);
    return value;
  }

  numberOrNull(name: string): number | null {
    return this.#isAbsent(name) ? null : this.number(name);
  }

  oneOf<Value extends string>(name: string, values: readonly Value[]): Value {
    const value = values.find((candidate) => candidate === this.#fields[name]);
    if (value === undefined) throw unreadable(`${name}, one of ${values.join(', ')}`, this.#fields[name]);
    return value;
  }

  #isAbsent(name: string): boolean {
    return this.#fields[name] === null || this.#fields[name] === undefined;
  }
}

function unreadable(expected: string, value: unknown): VerbatimError {
  return new VerbatimError(
    'UNREADABLE_ANSWER',
    `the server answered with ${value === null ? 'null' : typeof value} instead of ${expected}: is it a Verbatim server of this version?`,
  );
}
