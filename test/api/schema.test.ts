import { readFileSync } from 'node:fs';
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
  type GraphQLNamedType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { createSchema } from '../../src/schema/create-schema.ts';

const schema = createSchema();

/** Names of a type's elements that have no description, the type itself included. */
function undocumented(type: GraphQLNamedType): string[] {
  const missing: string[] = [];
  const check = (name: string, { description }: { description?: string | null | undefined }) => {
    if (description === null || description === undefined || description.trim() === '') missing.push(name);
  };
  check(type.name, type);
  if (isEnumType(type)) for (const value of type.getValues()) check(`${type.name}.${value.name}`, value);
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) check(`${type.name}.${field.name}`, field);
  }
  if (isObjectType(type) || isInterfaceType(type)) {
    for (const field of Object.values(type.getFields())) {
      check(`${type.name}.${field.name}`, field);
      for (const argument of field.args) check(`${type.name}.${field.name}(${argument.name})`, argument);
    }
  }
  return missing;
}

describe('the schema', () => {
  it('is the one that schema.graphql shows (else run: npm run schema)', () => {
    const committed = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
    expect(`${printSchema(lexicographicSortSchema(schema))}\n`).toBe(committed);
  });

  it('explains every type, field, argument and value', () => {
    const types = Object.values(schema.getTypeMap()).filter(
      (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
    );
    expect(types.flatMap(undocumented)).toEqual([]);
  });
});
