import { GraphQLError, type DocumentNode, type FragmentDefinitionNode, type SelectionSetNode } from 'graphql';

/**
 * What is wrong with a document's fragments before anything else looks at them: written out in all the places where they are
 * spread, its operations would have more than `maxSelections` fields and fragments, or they would never end. A few dozen
 * fragments of which each spreads the next one twice are a short document, and more selections than there are atoms: rules
 * that follow every spread (those of graphql-js against deep introspection do) would not come back.
 *
 * Takes time in proportion to the document's length.
 */
export function findExpansion(document: DocumentNode, maxSelections: number): GraphQLError | null {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition);
  }
  /** By fragment; `Infinity` while it is being counted, which is what a circle amounts to. */
  const counted = new Map<string, number>();

  const sizeOfFragment = (name: string): number => {
    const known = counted.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    if (fragment === undefined) return 0;
    counted.set(name, Infinity);
    const size = sizeOf(fragment.selectionSet);
    counted.set(name, size);
    return size;
  };
  const sizeOf = ({ selections }: SelectionSetNode): number => {
    let size = selections.length;
    for (const selection of selections) {
      if (selection.kind === 'FragmentSpread') size += sizeOfFragment(selection.name.value);
      else if (selection.selectionSet !== undefined) size += sizeOf(selection.selectionSet);
    }
    return size;
  };

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
