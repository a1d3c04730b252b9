// Writes schema.graphql, the contract in GraphQL's own language, sorted so that differences are easy to read.
import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createSchema } from '../src/schema/create-schema.ts';

writeFileSync(
  new URL('../schema.graphql', import.meta.url),
  `${printSchema(lexicographicSortSchema(createSchema()))}\n`,
);
