import { GraphQLError, type DocumentNode } from 'graphql';
import { fragmentSums } from './fragment-sums.ts';

/**
 * What is wrong with a document's fragments before anything else looks at them: written out, its operations would have more
 * than `maxSelections` fields and fragments, or they would never end. Rules that follow every spread (those of graphql-js
 * against deep introspection do) would not come back.
 */
export function findExpansion(document: DocumentNode, maxSelections: number): GraphQLError | null {
  const sizeOf = fragmentSums(document, () => 1);
  for (const definition of document.definitions) {
    if (definition.kind !== 'FragmentDefinition' && definition.kind !== 'OperationDefinition') continue;
    if (sizeOf(definition.selectionSet) <= maxSelections) continue;
    return new GraphQLError(
      `With its fragments written out the document has more than ${maxSelections} fields, or no end: split it.`,
      { nodes: definition },
    );
  }
  return null;
}
