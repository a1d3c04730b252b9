import type { DocumentNode, FragmentDefinitionNode, SelectionNode, SelectionSetNode } from 'graphql';

/** How much one selection counts, without what stands within it. */
export type Weigh = (selection: SelectionNode) => number;

/**
 * Sums over a selection set as if its fragments were written out in all the places where they are spread. A few dozen
 * fragments of which each spreads the next one twice are a short document, and more selections than there are atoms; so each
 * fragment is summed once. Takes time in proportion to the document's length.
 *
 * @param within whether what stands within fields counts, too
 * @returns the sum of a selection set; `Infinity` when its fragments spread each other in a circle
 */
export function fragmentSums(
  { definitions }: DocumentNode,
  weigh: Weigh,
  { within }: { readonly within: boolean } = { within: true },
): (selectionSet: SelectionSetNode) => number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition);
  }
  /** By fragment; `Infinity` while it is being summed, which is what a circle amounts to. */
  const summed = new Map<string, number>();

  const ofFragment = (name: string): number => {
    const known = summed.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    if (fragment === undefined) return 0;
    summed.set(name, Infinity);
    const sum = of(fragment.selectionSet);
    summed.set(name, sum);
    return sum;
  };
  const of = ({ selections }: SelectionSetNode): number => {
    let sum = 0;
    for (const selection of selections) {
      sum += weigh(selection);
      if (selection.kind === 'FragmentSpread') sum += ofFragment(selection.name.value);
      else if (selection.kind === 'InlineFragment') sum += of(selection.selectionSet);
      else if (within && selection.selectionSet !== undefined) sum += of(selection.selectionSet);
    }
    return sum;
  };
  return of;
}
