import type { GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import './index.ts';

/** The whole contract, executable with a `Context`. */
export function createSchema(): GraphQLSchema {
  return builder.toSchema();
}

/** Types of which an object has the same fields whenever it is asked, but for those that lead to other types. */
export const UNCHANGING_TYPES: ReadonlySet<string> = new Set(['Segment', 'Word']);
