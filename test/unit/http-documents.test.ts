import { buildSchema, GraphQLError } from 'graphql';
import { beforeEach, describe, expect, it } from 'vitest';
import { Documents } from '../../src/http/documents.ts';

const SCHEMA = buildSchema('type Query { a: Int }');

/** A document of about this many characters. */
function textOf(name: string, length: number): string {
  return `query ${name} { ${'a '.repeat(length / 2)}}`;
}

describe('prepared documents', () => {
  let documents: Documents;
  beforeEach(() => {
    documents = new Documents(SCHEMA, (error) => (error instanceof GraphQLError ? error : new GraphQLError('other')));
  });
  const isKept = (text: string) => documents.prepare(text) === documents.prepare(text);

  it('are kept, right ones and wrong ones, unless they are long', () => {
    expect(isKept(textOf('right', 100))).toBe(true);
    expect(isKept('{ wrong }')).toBe(true);
    expect(isKept('{')).toBe(true);
    expect(isKept(`# ${'long'.repeat(3_000)}\n{ a }`)).toBe(false);
  });

  it('are forgotten, those first that were not asked for, before all of them are much', () => {
    const used = documents.prepare('{ a }');
    const unused = documents.prepare('{ a a }');
    for (let i = 0; i < 200; i++) {
      documents.prepare(textOf(`q${i}`, 3_000));
      expect(documents.prepare('{ a }')).toBe(used);
    }
    expect(documents.prepare('{ a a }')).not.toBe(unused);
    expect(documents.prepare(textOf('q199', 3_000))).toBe(documents.prepare(textOf('q199', 3_000)));
  });
});
