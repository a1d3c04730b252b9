import { GraphQLError, visit, type DocumentNode, type OperationDefinitionNode } from 'graphql';
import { fragmentSums } from './fragment-sums.ts';

/** How often one document may ask for the same in other words. */
export interface RepetitionLimits {
  /** Operations in a document, of which a request runs one. */
  readonly operations: number;
  readonly directives: number;
  /** Of an operation, with its fragments written out; without aliases a field can be asked for only once in one place. */
  readonly aliases: number;
  /** Mutations that one operation runs, one after the other. */
  readonly mutations: number;
}

/**
 * What a document has too much of. Only for documents whose fragments end (`findExpansion`); comes before validation, whose
 * rules compare what is repeated with each other.
 */
export function findRepetition(document: DocumentNode, limits: RepetitionLimits): GraphQLError | null {
  const operations = document.definitions.filter((definition) => definition.kind === 'OperationDefinition');
  if (operations.length > limits.operations) {
    return refusal(`The document has more than ${limits.operations} operations: send those that you run.`);
  }
  if (countDirectives(document) > limits.directives) {
    return refusal(`The document has more than ${limits.directives} directives: split it.`);
  }
  const aliasesOf = fragmentSums(document, (selection) => (selection.kind === 'Field' && selection.alias ? 1 : 0));
  const rootFieldsOf = fragmentSums(document, ({ kind }) => (kind === 'Field' ? 1 : 0), { within: false });
  for (const operation of operations) {
    if (aliasesOf(operation.selectionSet) > limits.aliases) {
      return refusal(`The operation has more than ${limits.aliases} aliases: split it, or ask for a list.`, operation);
    }
    if (operation.operation === 'mutation' && rootFieldsOf(operation.selectionSet) > limits.mutations) {
      return refusal(`The operation has more than ${limits.mutations} mutations: send several operations.`, operation);
    }
  }
  return null;
}

function countDirectives(document: DocumentNode): number {
  let count = 0;
  visit(document, {
    Directive: () => {
      count += 1;
    },
  });
  return count;
}

function refusal(message: string, operation?: OperationDefinitionNode): GraphQLError {
  return new GraphQLError(message, { nodes: operation });
}
