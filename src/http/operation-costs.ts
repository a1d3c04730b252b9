import {
  getNamedType,
  getNullableType,
  getOperationAST,
  GraphQLError,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { readFieldCosts, type FieldCost } from './field-costs.ts';

type Variables = Readonly<Record<string, unknown>> | null | undefined;
/** Whether an operation of a document may run with these variables; the error says why not. */
export type CostCheck = (operationName: string | null | undefined, variables: Variables) => GraphQLError | null;

/** What the operations of a document may cost. */
export interface DocumentCost {
  /** Of the most costly one with the worst variables that are not refused. */
  readonly worst: number;
  /** To be asked before an operation runs; `null`: no variables could make any of them cost too much. */
  readonly check: CostCheck | null;
}

/** Items of a list that says nothing about its length. */
const USUAL_ITEMS = 10;
/** A description of the whole schema, as of so many values; rules of graphql-js bound what is in it. */
const INTROSPECTION_COST = 5_000;
/** The value of a variable that is not looked at: the worst that it can be. */
const ANYTHING = Symbol('anything');

/** Where a selection stands: the operation that it is part of, and the page that its lists are of. */
interface Place {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly valueOf: (node: ValueNode) => unknown;
  readonly pageSize: number | null;
}

/**
 * Bounds what an operation may cost: the values that its answer can have at most, lists being as long as the pages that are
 * asked for, and what its fields cost besides. Selections that are merged in the answer count each.
 */
export class OperationCosts {
  readonly #schema: GraphQLSchema;
  readonly #maxCost: number;
  readonly #costOfField: ReturnType<typeof readFieldCosts>;

  constructor(schema: GraphQLSchema, maxCost: number) {
    this.#schema = schema;
    this.#maxCost = maxCost;
    this.#costOfField = readFieldCosts(schema);
  }

  /** @param document valid, and its fragments are not endless */
  of(document: DocumentNode): DocumentCost {
    const operations = document.definitions.filter((definition) => definition.kind === 'OperationDefinition');
    const worst = Math.max(0, ...operations.map((operation) => this.#cost(document, operation, () => ANYTHING)));
    if (worst <= this.#maxCost) return { worst, check: null };
    const check: CostCheck = (operationName, variables) => {
      const operation = getOperationAST(document, operationName);
      if (!operation) return null;
      const cost = this.#cost(document, operation, (name) => valueOfVariable(name, operation, variables));
      return cost <= this.#maxCost ? null : tooCostly(cost, this.#maxCost, operation);
    };
    return { worst: this.#maxCost, check };
  }

  #cost(document: DocumentNode, operation: OperationDefinitionNode, variable: (name: string) => unknown): number {
    const fragments = new Map<string, FragmentDefinitionNode>();
    for (const definition of document.definitions) {
      if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition);
    }
    const valueOf = (node: ValueNode) => (node.kind === 'Variable' ? variable(node.name.value) : literal(node));
    const root = this.#schema.getRootType(operation.operation);
    return this.#ofSelections(operation.selectionSet, root, { fragments, valueOf, pageSize: null });
  }

  #ofSelections(set: SelectionSetNode, parent: GraphQLNamedType | null | undefined, place: Place): number {
    let cost = 0;
    for (const selection of set.selections) {
      if (isLeftOut(selection, place)) continue;
      if (selection.kind === 'Field') {
        cost += this.#ofField(selection, parent, place);
      } else if (selection.kind === 'InlineFragment') {
        const type = selection.typeCondition ? this.#schema.getType(selection.typeCondition.name.value) : parent;
        cost += this.#ofSelections(selection.selectionSet, type, place);
      } else {
        const fragment = place.fragments.get(selection.name.value);
        if (!fragment) continue;
        cost += this.#ofSelections(
          fragment.selectionSet,
          this.#schema.getType(fragment.typeCondition.name.value),
          place,
        );
      }
    }
    return cost;
  }

  #ofField(node: FieldNode, parent: GraphQLNamedType | null | undefined, place: Place): number {
    const name = node.name.value;
    if (name === '__schema' || name === '__type') return INTROSPECTION_COST;
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    // `__typename`.
    if (!field) return 1;
    const { own = 0, items, page } = this.#costOfField(field);
    const isList = isListType(getNullableType(field.type));
    const count = isList ? (items ?? place.pageSize ?? USUAL_ITEMS) : 1;
    const type = getNamedType(field.type);
    const within =
      node.selectionSet && isCompositeType(type)
        ? this.#ofSelections(node.selectionSet, type, {
            ...place,
            pageSize: page ? pageSizeOf(node, page, place) : null,
          })
        : 0;
    return own + count * (1 + within);
  }
}

function pageSizeOf(node: FieldNode, page: NonNullable<FieldCost['page']>, { valueOf }: Place): number {
  const sizes = (node.arguments ?? [])
    .filter(({ name }) => name.value === 'first' || name.value === 'last')
    .map(({ value }) => valueOf(value))
    .filter((size) => size !== null && size !== undefined)
    // What is out of range is refused by the field itself.
    .map((size) => (typeof size === 'number' ? Math.min(Math.max(size, 0), page.atMost) : page.atMost));
  return sizes.length === 0 ? page.byDefault : Math.max(...sizes);
}

/** By `@skip` or `@include`. */
function isLeftOut({ directives = [] }: SelectionNode, { valueOf }: Place): boolean {
  const condition = (directive: DirectiveNode) => {
    const argument = directive.arguments?.find(({ name }) => name.value === 'if');
    return argument === undefined ? ANYTHING : valueOf(argument.value);
  };
  return directives.some((directive) => {
    if (directive.name.value === 'skip') return condition(directive) === true;
    return directive.name.value === 'include' && condition(directive) === false;
  });
}

function valueOfVariable(name: string, operation: OperationDefinitionNode, variables: Variables): unknown {
  if (variables && Object.hasOwn(variables, name)) return variables[name];
  const definition = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name);
  return definition?.defaultValue === undefined ? undefined : literal(definition.defaultValue);
}

/** The value of a number or a truth value; others decide about nothing here. */
function literal(node: ValueNode): unknown {
  if (node.kind === 'IntValue') return Number(node.value);
  return node.kind === 'BooleanValue' ? node.value : undefined;
}

function tooCostly(cost: number, maxCost: number, operation: OperationDefinitionNode): GraphQLError {
  return new GraphQLError(
    `The operation may cost ${cost}, more than ${maxCost}: ask for smaller pages (\`first\`, \`last\`), for fewer fields, or in several operations.`,
    { nodes: operation },
  );
}
