import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Documents } from './documents.ts';

/** What all ways into GraphQL share. */
export interface GraphqlParts {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  /** Names of types of which an object has the same fields whenever it is asked, but for those that lead to other types. */
  readonly unchangingTypes: ReadonlySet<string>;
  /** What the resolvers work with, anew for each operation. */
  readonly createContext: () => object;
  /** What a client may know of an error. */
  readonly toClientError: (error: unknown) => GraphQLError;
}
