import {
  getIntrospectionQuery,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
} from 'graphql';
import { mutateBytes, mutateTokens } from './mutations.ts';
import { SCHEMA } from './oracle.ts';
import type { Random } from './random.ts';
import { anyCursor, anyId, type KnownThings } from './sessions-pool.ts';

/** An operation as a client may send it, whatever is wrong with it. */
export interface AnyOperation {
  readonly kind: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
  /** The variables as JSON, when they are more than can be made into it. */
  readonly variablesJson?: string;
}

/** The operation as the JSON that is sent. */
export function jsonOf({ kind: _kind, variablesJson, ...payload }: AnyOperation): string {
  const json = JSON.stringify(payload);
  return variablesJson === undefined ? json : `${json.slice(0, -1)},"variables":${variablesJson}}`;
}

type Maker = (known: KnownThings, random: Random) => AnyOperation;

/** More than any limit of the server allows. */
const TOO_DEEP = 40;
const TOO_WIDE = 3_000;
const HUGE_TEXT = 400_000;

const FIELDS =
  '{ id status title nextSequence coverage { receivedMs } segments(first: 3) { edges { cursor node { id text } } } }';

/** A document as it should be, with arguments of which each may be wrong. */
const generated: Maker = (known, random) => {
  const root = random.pick([
    SCHEMA.getQueryType(),
    SCHEMA.getQueryType(),
    SCHEMA.getMutationType(),
    SCHEMA.getSubscriptionType(),
  ]);
  if (!root) throw new Error('The schema has no such operation');
  const operation = new OperationWriter(known, random);
  const field = operation.field(random.pick(Object.values(root.getFields())), 4);
  const names = Object.entries(operation.declarations).map(([name, type]) => `$${name}: ${type}`);
  const head = root.name.toLowerCase() + (names.length > 0 ? ` (${names.join(', ')})` : '');
  return { kind: `generated ${root.name}`, query: `${head} { ${field} }`, variables: operation.variables };
};

const changedTokens: Maker = (known, random) => {
  const { query, variables } = generated(known, random);
  return { kind: 'changed tokens', query: mutateTokens(query, random), ...(variables && { variables }) };
};

const changedBytes: Maker = (known, random) => {
  const { query, variables } = generated(known, random);
  return {
    kind: 'changed bytes',
    query: mutateBytes(Buffer.from(query), random).toString(),
    ...(variables && { variables }),
  };
};

const changedVariables: Maker = (known, random) => {
  const { query, variables = {} } = generated(known, random);
  const names = [...Object.keys(variables), random.text(5)];
  const name = random.pick(names);
  return { kind: 'changed variables', query, variables: { ...variables, [name]: anyJson(random) } };
};

const deep: Maker = (known, random) => {
  const levels = random.between(1, TOO_DEEP);
  const inside = random.pick(['id', 'segments { edges { node { session { id } } } }', '__typename']);
  const query = `{ session(id: "${random.pick(known.sessionIds)}") { ${'segments { edges { node { session { '.repeat(levels)}${inside}${' } } } }'.repeat(levels)} } }`;
  return { kind: 'deep', query };
};

const wide: Maker = (known, random) => {
  const count = random.between(1, random.pick([20, TOO_WIDE]));
  const id = random.pick(known.sessionIds);
  const field = random.pick([`session(id: "${id}") { id }`, 'statistics { totalSegments }', '__typename']);
  return { kind: 'wide', query: `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')} }` };
};

const aliasedMutations: Maker = (known, random) => {
  const count = random.between(1, 60);
  const id = random.pick(known.sessionIds);
  const field = `sendAudio(input: { sessionId: "${id}", sequence: ${random.between(0, 99)}, audio: "AAAA" }) { nextSequence }`;
  return {
    kind: 'aliased mutations',
    query: `mutation { ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')} }`,
  };
};

/** Each fragment spreads the next one twice: written out it would be endless. */
const fragments: Maker = (known, random) => {
  const count = random.between(2, 180);
  const isRing = random.chance(0.2);
  const last = isRing ? '...F0' : FIELDS.slice(1, -1);
  const links = Array.from({ length: count }, (_, i) => {
    const inside = i + 1 < count ? `...F${i + 1} ...F${i + 1}` : last;
    return `fragment F${i} on Session { ${inside} }`;
  });
  return {
    kind: 'fragments',
    query: `{ session(id: "${random.pick(known.sessionIds)}") { ...F0 } } ${links.join(' ')}`,
  };
};

const huge: Maker = (_known, random) => {
  const text = random.pick(['a', '\\u0000', '漢', '🎙️', '%']).repeat(random.between(1, HUGE_TEXT / 6));
  return random.pick<AnyOperation>([
    { kind: 'huge', query: `{ session(id: "${text}") { id } }` },
    { kind: 'huge', query: `# ${text}\n{ __typename }` },
    { kind: 'huge', query: `query (${'$a: Int '.repeat(400)}) { __typename }` },
    {
      kind: 'huge',
      query: `query ($t: String) { sessions(filter: { titleContains: $t }) { edges { node { id } } } }`,
      variables: { t: text },
    },
    {
      kind: 'huge',
      query: `query ($t: String) { segments(filter: { textContains: $t }, after: $t) { edges { cursor } } }`,
      variables: { t: text },
    },
    {
      kind: 'huge',
      query: 'mutation ($input: StartSessionInput!) { startSession(input: $input) { session { id metadata } } }',
      variables: { input: { title: text, externalId: text.slice(0, 300), metadata: { text } } },
    },
  ]);
};

const nestedJson: Maker = (_known, random) => {
  const levels = random.pick([10, 1_000, 10_000, 200_000]);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
  ] as const);
  return {
    kind: 'nested JSON',
    query: 'mutation ($metadata: JSON) { startSession(input: { metadata: $metadata }) { session { metadata } } }',
    variablesJson: `{"metadata":${open.repeat(levels)}1${close.repeat(levels)}}`,
  };
};

const introspection: Maker = (_known, random) => ({
  kind: 'introspection',
  query: random.chance(0.5) ? getIntrospectionQuery() : mutateTokens(getIntrospectionQuery(), random, 10),
});

const oddities: Maker = (known, random) => {
  const id = random.pick(known.sessionIds);
  const query = random.pick([
    '',
    ' ',
    '{}',
    '\ufeff{ __typename }',
    '{ __typename } { __typename }',
    'query a { __typename } query a { __typename }',
    'fragment F on Session { id }',
    'type Query { a: Int }',
    `{ session(id: "${id}") { ... on Segment { id } } }`,
    `{ session(id: "${id}") { id id: title } }`,
    `query ($a: Nothing) { session(id: $a) { id } }`,
    `query ($a: [[[[Int]]]]) { sessions(first: $a) { edges { cursor } } }`,
    `{ sessions(first: 1e999) { edges { cursor } } }`,
    `{ sessions(first: ${'9'.repeat(300)}) { edges { cursor } } }`,
    `{ session(id: ${'['.repeat(500)}${']'.repeat(500)}) { id } }`,
    `{ session(id: ${'['.repeat(90)}1${']'.repeat(90)}) { id } }`,
    `mutation { startSession(input: ${'{ metadata: '.repeat(300)}1${' }'.repeat(300)}) { session { id } } }`,
    `{ __type(name: "Session") { fields { type { fields { type { fields { name } } } } } } }`,
    `{ session(id: """${'\n'.repeat(1000)}""") { id } }`,
    `{ session(id: "\\u{110000}") { id } }`,
    `{ session(id: "\\uD800") { id } }`,
    `subscription { a: segmentAdded(sessionId: "${id}") { id } b: sessionUpdated(sessionId: "${id}") { id } }`,
    `subscription { __typename }`,
    `mutation { __typename @skip(if: true) }`,
    random.bytes(random.between(1, 400)).toString('latin1'),
  ]);
  const operationName = random.pick([undefined, undefined, 'a', 'none', '', '\0']);
  return { kind: 'oddity', query, ...(operationName !== undefined && { operationName }) };
};

const MAKERS: readonly (readonly [weight: number, make: Maker])[] = [
  [40, generated],
  [15, changedTokens],
  [10, changedBytes],
  [12, changedVariables],
  [3, deep],
  [2, wide],
  [2, aliasedMutations],
  [2, fragments],
  [1, huge],
  [1, nestedJson],
  [1, introspection],
  [11, oddities],
];
const ALL_WEIGHTS = MAKERS.reduce((sum, [weight]) => sum + weight, 0);

export function anyOperation(known: KnownThings, random: Random): AnyOperation {
  let place = random.below(ALL_WEIGHTS);
  for (const [weight, make] of MAKERS) {
    if (place < weight) return make(known, random);
    place -= weight;
  }
  throw new Error('The weights do not add up');
}

/** Writes fields as the schema has them; their arguments go into variables. */
class OperationWriter {
  readonly declarations: Record<string, string> = {};
  readonly variables: Record<string, unknown> = {};
  readonly #known: KnownThings;
  readonly #random: Random;

  constructor(known: KnownThings, random: Random) {
    this.#known = known;
    this.#random = random;
  }

  field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const given = field.args.filter(({ type }) => isNonNullType(type) || this.#random.chance(0.4));
    const written = given.map((argument) => `${argument.name}: $${this.#variable(argument)}`);
    return `${field.name}${written.length > 0 ? `(${written.join(', ')})` : ''}${this.#selection(field.type, depth)}`;
  }

  #variable({ name, type }: GraphQLArgument): string {
    const variable = `v${Object.keys(this.declarations).length}`;
    this.declarations[variable] = String(type);
    this.variables[variable] = this.#value(name, type);
    return variable;
  }

  #selection(type: GraphQLOutputType, depth: number): string {
    const named = getNamedType(type);
    if (!isCompositeType(named)) return '';
    const objects: readonly GraphQLObjectType[] = isObjectType(named)
      ? [named]
      : SCHEMA.getPossibleTypes(named).slice();
    const object = this.#random.pick(objects);
    const fields = Object.values(object.getFields()).filter(
      ({ type: inner }) => (depth > 0 || !isCompositeType(getNamedType(inner))) && this.#random.chance(0.6),
    );
    const inside = ['__typename', ...fields.map((field) => this.field(field, depth - 1))].join(' ');
    return isObjectType(named) ? ` { ${inside} }` : ` { ... on ${object.name} { ${inside} } }`;
  }

  #value(name: string, type: GraphQLInputType): unknown {
    const random = this.#random;
    if (random.chance(0.06)) return anyJson(random);
    if (isNonNullType(type)) return this.#value(name, type.ofType);
    if (isListType(type)) return Array.from({ length: random.below(4) }, () => this.#value(name, type.ofType));
    if (isEnumType(type)) return random.chance(0.9) ? random.pick(type.getValues()).name : random.text(8);
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).filter((field) =>
        random.chance(isNonNullType(field.type) ? 0.97 : 0.5),
      );
      return Object.fromEntries(fields.map((field) => [field.name, this.#value(field.name, field.type)]));
    }
    return this.#scalar(name, type.name);
  }

  #scalar(name: string, type: string): unknown {
    const random = this.#random;
    switch (type) {
      case 'ID':
        return anyId(this.#known, random);
      case 'Int':
        if (name === 'sampleRate') return random.pick([8_000, 16_000, 44_100, 48_000, 7_999, 0, 2 ** 31 - 1]);
        return random.pick([0, 1, 2, 5, 20, 100, 101, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 1.5]);
      case 'Boolean':
        return random.chance(0.5);
      case 'DateTime':
        return random.pick(DATES);
      case 'Base64':
        return random.chance(0.8) ? random.bytes(2 * random.below(400)).toString('base64') : random.text(40);
      case 'JSON':
        return anyJson(random);
      default:
        if (name === 'after' || name === 'before') return anyCursor(this.#known, random);
        if (name === 'timeZone')
          return random.pick(['UTC', 'Europe/Berlin', 'Etc/GMT+14', '+26:00', '../UTC', random.text(30)]);
        if (name === 'language') return random.pick(['en', 'en-GB', 'EN', 'de', random.text(10)]);
        return random.text(60);
    }
  }
}

const DATES = [
  '2026-03-14T09:26:53.589Z',
  '1970-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999+14:00',
  '0000-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '2026-03-14',
  '2026-03-14T09:26:60Z',
  '',
  'now',
  '1e9',
];

function anyJson(random: Random): unknown {
  return random.pick<unknown>([
    null,
    true,
    0,
    -0,
    1.5,
    -1,
    1e308,
    2 ** 53,
    '',
    'x',
    '\0',
    '\ud800',
    [],
    [[]],
    {},
    [null],
    { __proto__: 1 },
    { constructor: { prototype: 1 } },
    { length: 9 },
    random.text(40),
    Array(50).fill(1),
    { a: { b: { c: [random.text(5)] } } },
    JSON.parse('{"__proto__":{"x":1}}'),
  ]);
}
