import { isObjectType, type GraphQLField, type GraphQLSchema } from 'graphql';
import { z } from 'zod';

const fieldCost = z.strictObject({
  /** What answering the field takes besides the values that it gives, for example a search: as much as so many values. */
  own: z.int().min(0).optional(),
  /** For a list of unknown length: how many items it usually has at most. */
  items: z.int().min(1).optional(),
  /** For a field with `first` and `last`: how many items the lists within it have. */
  page: z.strictObject({ byDefault: z.int().min(0), atMost: z.int().min(0) }).optional(),
});

export type FieldCost = z.infer<typeof fieldCost>;

const NOTHING_SPECIAL: FieldCost = {};

/**
 * What the fields of a schema say about their costs, in their extension `cost`.
 * @throws ZodError when one says something else
 */
export function readFieldCosts(schema: GraphQLSchema): (field: GraphQLField<unknown, unknown>) => FieldCost {
  const costs = new Map<GraphQLField<unknown, unknown>, FieldCost>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.extensions['cost'] !== undefined) costs.set(field, fieldCost.parse(field.extensions['cost']));
    }
  }
  return (field) => costs.get(field) ?? NOTHING_SPECIAL;
}
