import { describe, expect, it } from 'vitest';
import { excerptOf } from '../../web/src/dashboard/search/excerpt.ts';

const LONG = Array.from({ length: 200 }, (_, index) => `word${index}`).join(' ');

/** What an excerpt marks. */
function marked(text: string, ...words: string[]): string[] {
  const hits = words.map((word) => ({ start: text.indexOf(word), end: text.indexOf(word) + word.length }));
  const excerpt = excerptOf(text, hits);
  return excerpt.hits.map(({ start, end }) => excerpt.text.slice(start, end));
}

describe('the text around what was found', () => {
  it('is the whole text when that is short', () => {
    expect(excerptOf('the old harbour', [{ start: 8, end: 15 }])).toEqual({
      text: 'the old harbour',
      hits: [{ start: 8, end: 15 }],
    });
  });

  it('has the first hit in it, wherever that is in a long text, and says where text is left out', () => {
    for (const word of ['word0', 'word9 ', 'word50', 'word120', 'word199']) {
      expect(marked(LONG, word), word).toEqual([word]);
    }
    const { text } = excerptOf(LONG, [{ start: LONG.indexOf('word120'), end: LONG.indexOf('word121') }]);
    expect(text).toMatch(/^… word\d+ .* word\d+ …$/u);
    expect(text.length).toBeLessThan(260);
    expect(excerptOf(LONG, [{ start: LONG.indexOf('word199'), end: LONG.length }]).text).toMatch(/word199$/u);
  });

  it('marks of the hits those that are in it', () => {
    expect(marked(LONG, 'word50', 'word55', 'word150')).toEqual(['word50', 'word55']);
  });

  it('does not lose the hit in a text without spaces', () => {
    const text = `${'x'.repeat(500)}harbour${'y'.repeat(500)}`;
    expect(marked(text, 'harbour')).toEqual(['harbour']);
  });
});
