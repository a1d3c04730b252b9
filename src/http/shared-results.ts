import {
  createSourceEventStream,
  execute,
  getNamedType,
  isCompositeType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import { PullSubscription } from '../services/pull-subscription.ts';
import { Delivery } from './delivery.ts';

/** Gives the bytes of an operation's result for one event of its subscription. */
type Renderer = (event: object) => Buffer | Promise<Buffer>;

/**
 * The results of subscriptions, made once for all who asked for the same of the same event.
 *
 * Shared is what depends on the event and the operation alone: the document, the operation's name and the variables that
 * stand anywhere but in the arguments of the subscription itself, which only choose the events. Clients differ in nothing
 * else: who may subscribe at all is decided before. Should there ever be clients who may see more than others, that belongs
 * into the key.
 */
export class SharedResults {
  readonly #schema: GraphQLSchema;
  readonly #unchangingTypes: ReadonlySet<string>;
  readonly #encode: (result: ExecutionResult) => Buffer;
  readonly #documents = new WeakMap<DocumentNode, number>();
  #documentsSeen = 0;
  /** By event, then by operation. */
  readonly #results = new WeakMap<object, Map<string, Buffer | Promise<Buffer>>>();

  /**
   * @param unchangingTypes types of which an object has the same fields whenever it is asked, but for those that lead to
   *   other types
   */
  constructor(
    schema: GraphQLSchema,
    unchangingTypes: ReadonlySet<string>,
    encode: (result: ExecutionResult) => Buffer,
  ) {
    this.#schema = schema;
    this.#unchangingTypes = unchangingTypes;
    this.#encode = encode;
  }

  /** Like `subscribe` of graphql-js. @param args of a document that is valid */
  async subscribe(args: ExecutionArgs): Promise<ExecutionResult | Delivery<object>> {
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return source;
    if (!(source instanceof PullSubscription)) throw new TypeError('Events come by a pull subscription');
    return new Delivery<object>(source, this.#rendererOf(args));
  }

  #rendererOf(args: ExecutionArgs): Renderer {
    const { isUnchanging, variables } = this.#examine(args.document);
    const render: Renderer = (event) => {
      const result = execute({ ...args, rootValue: event });
      return result instanceof Promise ? result.then(this.#encode) : this.#encode(result);
    };
    if (!isUnchanging) return render;
    const given = args.variableValues ?? {};
    // One that is absent has its default, which null does not.
    const used = variables.map((name) => (Object.hasOwn(given, name) ? [given[name]] : []));
    const key = JSON.stringify([this.#numberOf(args.document), args.operationName, used]);
    return (event) => {
      const results = this.#resultsOf(event);
      const known = results.get(key);
      if (known !== undefined) return known;
      const made = render(event);
      results.set(key, made);
      return made;
    };
  }

  #examine(document: DocumentNode): { isUnchanging: boolean; variables: readonly string[] } {
    const types = new TypeInfo(this.#schema);
    const subscription = this.#schema.getSubscriptionType();
    const variables = new Set<string>();
    let isUnchanging = true;
    visit(
      document,
      visitWithTypeInfo(types, {
        VariableDefinition: () => false,
        Field: () => {
          const type = getNamedType(types.getType());
          if (isCompositeType(type) && !this.#unchangingTypes.has(type.name)) isUnchanging = false;
        },
        Argument: () => (types.getParentType() === subscription ? false : undefined),
        Variable: ({ name }) => void variables.add(name.value),
      }),
    );
    return { isUnchanging, variables: [...variables] };
  }

  #numberOf(document: DocumentNode): number {
    const number = this.#documents.get(document) ?? ++this.#documentsSeen;
    this.#documents.set(document, number);
    return number;
  }

  #resultsOf(event: object): Map<string, Buffer | Promise<Buffer>> {
    const known = this.#results.get(event);
    if (known !== undefined) return known;
    const results = new Map<string, Buffer | Promise<Buffer>>();
    this.#results.set(event, results);
    return results;
  }
}
