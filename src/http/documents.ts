import { parse, specifiedRules, validate, type DocumentNode, type GraphQLError, type GraphQLSchema } from 'graphql';
import { depthLimit } from './depth-limit.ts';
import { findExpansion } from './expansion-limit.ts';
import { OperationCosts, type CostCheck } from './operation-costs.ts';
import { findRepetition, type RepetitionLimits } from './repetition-limits.ts';

// docs/operation.md names these limits.
const MAX_TOKENS = 2_000;
const MAX_DEPTH = 12;
/** Of an operation with its fragments written out; the introspection query of GraphiQL has some hundred. */
const MAX_SELECTIONS = 5_000;
const MAX_REPETITION: RepetitionLimits = { operations: 10, directives: 50, aliases: 50, mutations: 10 };
/** In values of an answer, which take some microseconds each, during which nobody else is served. */
const MAX_COST = 20_000;
const MAX_ERRORS = 10;
/**
 * Texts kept ready, least recently used first to go: so many characters together, of which each stands for one or two hundred
 * bytes of parsed document. Longer ones than `MAX_CACHED_LENGTH` are not kept.
 */
const MAX_CACHED = 250_000;
const MAX_CACHED_LENGTH = 10_000;

/** A document that can be executed, or what is wrong with it. */
export type PreparedDocument =
  | {
      readonly document: DocumentNode;
      readonly errors: null;
      /** Of its most costly operation, whatever the variables; see `OperationCosts`. */
      readonly cost: number;
      /** To be asked before an operation runs; `null`: variables can't make any of them cost too much. */
      readonly checkCost: CostCheck | null;
    }
  | { readonly document: DocumentNode; readonly errors: readonly GraphQLError[] }
  | { readonly document: null; readonly errors: readonly GraphQLError[] };

/**
 * Parses and validates GraphQL documents within limits, each text once: the same few come again and again, and parsing costs
 * many times what executing a `sendAudio` does.
 */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #toClientError: (error: unknown) => GraphQLError;
  readonly #costs: OperationCosts;
  readonly #prepared = new Map<string, PreparedDocument>();
  /** Characters of all texts that are kept. */
  #cached = 0;

  constructor(schema: GraphQLSchema, toClientError: (error: unknown) => GraphQLError) {
    this.#schema = schema;
    this.#toClientError = toClientError;
    this.#costs = new OperationCosts(schema, MAX_COST);
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
    const excess = findExpansion(document, MAX_SELECTIONS) ?? findRepetition(document, MAX_REPETITION);
    if (excess !== null) return { document, errors: [this.#withStatus(excess)] };
    const rules = [...specifiedRules, depthLimit(MAX_DEPTH)];
    const errors = validate(this.#schema, document, rules, { maxErrors: MAX_ERRORS });
    if (errors.length > 0) return { document, errors: errors.map((error) => this.#withStatus(error)) };
    const { worst, check } = this.#costs.of(document);
    return { document, errors: null, cost: worst, checkCost: check === null ? null : this.#refusingWith(check) };
  }

  #refusingWith(check: CostCheck): CostCheck {
    return (operationName, variables) => {
      const refusal = check(operationName, variables);
      return refusal === null ? null : this.#withStatus(refusal);
    };
  }

  /** With the note for Yoga that the whole request is wrong, which it takes out before it answers. */
  #withStatus(error: unknown): GraphQLError {
    const refusal = this.#toClientError(error);
    refusal.extensions['http'] = { status: 400, spec: true };
    return refusal;
  }
}
