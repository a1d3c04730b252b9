import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Documents } from './documents.ts';

/** What all ways into GraphQL share. */
export interface GraphqlParts {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  /** What the resolvers work with, anew for each operation. */
  readonly createContext: () => object;
  /** What a client may know of an error. */
  readonly toClientError: (error: unknown) => GraphQLError;
}
