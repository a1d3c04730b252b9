import { beforeAll, describe, expect, it } from 'vitest';
import { hearOffline } from '../../bench/support/offline.ts';
import { atLevels, SOUNDS_WITHOUT_SPEECH } from '../../bench/support/sounds.ts';
import type { Engine } from '../../src/recognition/engine.ts';
import { loadMoonshine } from '../../src/recognition/moonshine/moonshine-engine.ts';

const FIVE_MINUTES = 300;
/** Peaks in decibels below full scale, one after the other. */
const LEVELS = [60, 40, 24, 12, 1];
const LEVEL_SECONDS = 12;

describe('in five minutes, soft and loud, nothing is heard', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await loadMoonshine({ size: 'tiny' });
  });

  it.each(Object.entries(SOUNDS_WITHOUT_SPEECH))('of %s', { timeout: 60_000 }, async (_, make) => {
    const audio = atLevels(make(FIVE_MINUTES), LEVELS, LEVEL_SECONDS);
    expect(audio.length).toBe(FIVE_MINUTES * 16_000);
    const heard = await hearOffline(engine, audio, { sentenceEndSilenceMs: 448, endSilenceMs: 992 });
    expect(heard.map(({ text }) => text).filter((text) => text !== '')).toEqual([]);
  });
});
