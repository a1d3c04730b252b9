import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { findExpansion } from '../../src/http/expansion-limit.ts';

const refusalOf = (document: string, most = 5) => findExpansion(parse(document), most)?.message ?? null;

describe('the size of a document with its fragments written out', () => {
  it('counts fields, spreads, and what is spread, as often as it is', () => {
    expect(refusalOf('{ a b { c ... { d } } }')).toBeNull();
    expect(refusalOf('{ a b { c ... { d e } } }')).toMatch(/more than 5 fields/u);
    expect(refusalOf('{ ...F ...F } fragment F on Query { a }', 4)).toBeNull();
    expect(refusalOf('{ ...F ...F } fragment F on Query { a b }', 5)).toMatch(/more than 5 fields/u);
  });

  it('is endless for fragments that spread each other in a circle, used or not', () => {
    expect(refusalOf('{ a } fragment F on Query { ...G } fragment G on Query { x { ...F } }', 1_000)).toMatch(
      /no end/u,
    );
    expect(refusalOf('{ a ...F } fragment F on Query { ...F }', 1_000)).toMatch(/no end/u);
  });

  it('is told at once, however large it is', () => {
    const links = Array.from({ length: 180 }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`);
    expect(refusalOf(`{ ...F0 } ${links.join(' ')} fragment F180 on Query { a }`, 5_000)).toMatch(/split it/u);
  });

  it('does not mind fragments that do not exist, nor tools that ask for the whole schema', () => {
    expect(refusalOf('{ a ...Nothing }')).toBeNull();
    expect(refusalOf(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }), 5_000)).toBeNull();
  });
});
