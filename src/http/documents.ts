import { parse, specifiedRules, validate, type DocumentNode, type GraphQLError, type GraphQLSchema } from 'graphql';
import { depthLimit } from './depth-limit.ts';
import { findExpansion } from './expansion-limit.ts';

const MAX_TOKENS = 2_000;
const MAX_DEPTH = 12;
/** Of an operation with its fragments written out; the introspection query of GraphiQL has some hundred. */
const MAX_SELECTIONS = 5_000;
const MAX_ERRORS = 10;
/**
 * Texts kept ready, least recently used first to go: so many characters together, of which each stands for one or two hundred
 * bytes of parsed document. Longer ones than `MAX_CACHED_LENGTH` are not kept.
 */
const MAX_CACHED = 250_000;
const MAX_CACHED_LENGTH = 10_000;

/** A document that can be executed, or what is wrong with it. */
export type PreparedDocument =
  | { readonly document: DocumentNode; readonly errors: null }
  | { readonly document: DocumentNode; readonly errors: readonly GraphQLError[] }
  | { readonly document: null; readonly errors: readonly GraphQLError[] };

/**
 * Parses and validates GraphQL documents within limits, each text once: the same few come again and again, and parsing costs
 * many times what executing a `sendAudio` does.
 */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #toClientError: (error: unknown) => GraphQLError;
  readonly #prepared = new Map<string, PreparedDocument>();
  /** Characters of all texts that are kept. */
  #cached = 0;

  constructor(schema: GraphQLSchema, toClientError: (error: unknown) => GraphQLError) {
    this.#schema = schema;
    this.#toClientError = toClientError;
  }

  prepare(text: string): PreparedDocument {
    const known = this.#prepared.get(text);
    const prepared = known ?? this.#prepare(text);
    if (text.length <= MAX_CACHED_LENGTH) {
      if (!this.#prepared.delete(text)) this.#cached += text.length;
      this.#prepared.set(text, prepared);
      this.#forgetOldest();
    }
    return prepared;
  }

  #forgetOldest(): void {
    for (const oldest of this.#prepared.keys()) {
      if (this.#cached <= MAX_CACHED) return;
      this.#prepared.delete(oldest);
      this.#cached -= oldest.length;
    }
  }

  #prepare(text: string): PreparedDocument {
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens: MAX_TOKENS });
    } catch (error) {
      return { document: null, errors: [this.#withStatus(error)] };
    }
    const expansion = findExpansion(document, MAX_SELECTIONS);
    if (expansion !== null) return { document, errors: [this.#withStatus(expansion)] };
    const rules = [...specifiedRules, depthLimit(MAX_DEPTH)];
    const errors = validate(this.#schema, document, rules, { maxErrors: MAX_ERRORS });
    return errors.length === 0
      ? { document, errors: null }
      : { document, errors: errors.map((error) => this.#withStatus(error)) };
  }

  /** With the note for Yoga that the whole request is wrong, which it takes out before it answers. */
  #withStatus(error: unknown): GraphQLError {
    const refusal = this.#toClientError(error);
    refusal.extensions['http'] = { status: 400, spec: true };
    return refusal;
  }
}
