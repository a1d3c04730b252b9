/** Each word of the scripted language is a tone; the position in this list decides its pitch. */
export const TONE_WORDS = [
  'alpha',
  'bravo',
  'charlie',
  'delta',
  'echo',
  'foxtrot',
  'golf',
  'hotel',
  'india',
  'juliett',
  'kilo',
  'lima',
  'mike',
  'november',
  'oscar',
  'papa',
  'quebec',
  'romeo',
  'sierra',
  'tango',
  'uniform',
  'victor',
  'whiskey',
  'yankee',
  'zulu',
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'violet',
  'black',
  'white',
  'north',
  'east',
  'south',
  'west',
  'spring',
  'summer',
  'autumn',
  'winter',
  'morning',
  'noon',
  'evening',
  'night',
  'earth',
  'water',
  'fire',
  'wind',
  'crash',
  'hang',
  'throw',
  'mumble',
  'stall',
  'exhaust',
] as const;
export type ToneWord = (typeof TONE_WORDS)[number];

/** Lowest pitch and distance, Hz: the highest, 3,390 Hz, still passes a telephone line's 8,000 samples per second. */
const LOWEST_PITCH = 400;
const PITCH_STEP = 46;

/** Hz. */
export const TONE_PITCHES: readonly number[] = TONE_WORDS.map((_, index) => LOWEST_PITCH + index * PITCH_STEP);

/** A word lasts this long, ms, and is followed by a pause. */
export const TONE_MS = 120;
/** Longer than two detector frames, so that there is always a quiet frame to cut at. */
export const TONE_PAUSE_MS = 80;

/** Sounds like speech to the detector, but decodes to nothing. */
export const INAUDIBLE_WORD: ToneWord = 'mumble';
