import { GraphQLError, type ASTVisitor, type SelectionSetNode, type ValidationContext } from 'graphql';

/** Refuses documents whose fields nest deeper than `maxDepth`. Introspection has its own limit among graphql-js' rules. */
export function depthLimit(maxDepth: number): (context: ValidationContext) => ASTVisitor {
  return (context) => ({
    OperationDefinition(operation) {
      if (depthOf(operation.selectionSet, context, new Set(), maxDepth) <= maxDepth) return;
      context.reportError(
        new GraphQLError(`The operation nests fields deeper than ${maxDepth} levels: split it.`, { nodes: operation }),
      );
    },
  });
}

/** Levels of fields below; stops counting once over `enough`. `spreading` are the fragments around: no endless descent. */
function depthOf(
  { selections }: SelectionSetNode,
  context: ValidationContext,
  spreading: ReadonlySet<string>,
  enough: number,
): number {
  let deepest = 0;
  for (const selection of selections) {
    let depth = 0;
    if (selection.kind === 'Field') {
      if (selection.name.value.startsWith('__')) continue;
      depth = 1;
      if (selection.selectionSet !== undefined && enough > 0) {
        depth += depthOf(selection.selectionSet, context, spreading, enough - 1);
      }
    } else if (selection.kind === 'InlineFragment') {
      depth = depthOf(selection.selectionSet, context, spreading, enough);
    } else {
      const name = selection.name.value;
      const fragment = context.getFragment(name);
      if (fragment && !spreading.has(name)) {
        depth = depthOf(fragment.selectionSet, context, new Set([...spreading, name]), enough);
      }
    }
    deepest = Math.max(deepest, depth);
    if (deepest > enough) break;
  }
  return deepest;
}
