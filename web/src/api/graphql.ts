import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './generated/schema.d.ts';

/** Operations with the types of their variables and answers, from schema.graphql. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string; Base64: string; JSON: unknown };
  disableMasking: true;
}>();

export type { ResultOf, VariablesOf } from 'gql.tada';
