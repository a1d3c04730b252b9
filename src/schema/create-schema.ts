import type { GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import './index.ts';

/** The whole contract, executable with a `Context`. */
export function createSchema(): GraphQLSchema {
  return builder.toSchema();
}
