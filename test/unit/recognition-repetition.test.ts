import { describe, expect, it } from 'vitest';
import { provokedSounds } from '../../bench/support/provoked-sounds.ts';
import { mostRepetitions } from '../../bench/support/repeated-phrase.ts';
import { loadMoonshine } from '../../src/recognition/moonshine/moonshine-engine.ts';

describe('sounds that provoke loops', () => {
  it('make no text in which a phrase comes four times in a row', { timeout: 120_000 }, async () => {
    const engine = await loadMoonshine({ size: 'tiny' });
    // All the short ones, and some of each other kind; `npm run bench -- repetition` has all.
    const sounds = (await provokedSounds()).filter(({ audio }, index) => audio.length <= 16_000 || index % 5 === 0);
    expect(sounds.length).toBeGreaterThan(40);
    const looped: string[] = [];
    for (const { name, audio } of sounds) {
      const { text } = await engine.decode(audio, { language: 'en', purpose: 'final' });
      if (mostRepetitions(text) >= 4) looped.push(`${name}: ${text}`);
    }
    expect(looped).toEqual([]);
  });

  it.each([
    ['', 0],
    ['Nothing is said twice here', 1],
    ['So so SO, so.', 4],
    ['and then we went. And then we went, and then we', 2],
    ['one two three two three two three four', 3],
  ])('are counted as readers would: %s', (text, times) => {
    expect(mostRepetitions(text)).toBe(times);
  });
});
