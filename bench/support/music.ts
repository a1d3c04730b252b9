import { randomNumbers } from './random-numbers.ts';

// Music without a voice, mono, 16 kHz: simple instruments that play a progression of chords, each time in another key.

const RATE = 16_000;
const TURN = 2 * Math.PI;
/** Partials of an instrument stay below this, Hz. */
const HIGHEST_PARTIAL = 7_000;

const BAR_SECONDS = 2;
const BEAT_SECONDS = 0.5;
/** Triads as semitones above A3 (220 Hz): A minor, F, C, G. */
const PROGRESSION = [
  [0, 3, 7],
  [-4, 0, 3],
  [3, 7, 10],
  [-2, 2, 5],
] as const;
/** Semitones by which the progression is shifted, one time after the other. */
const KEYS = [0, 2, -3, 5] as const;
/** A tune over the progression, a note each beat; semitones above A4. */
const MELODY = [0, 3, 7, 10, 12, 10, 7, 3, 5, 8, 12, 8, 5, 3, 0, -2] as const;

/** One note. */
type Instrument = (pitch: number) => Float32Array;
/** Puts notes into the bar that begins at second `at`. */
type Bar = (
  play: (instrument: Instrument, at: number, semitone: number) => void,
  bar: { readonly at: number; readonly index: number; readonly chord: readonly number[]; readonly key: number },
) => void;

/** Each plays for so many seconds. */
export const PIECES_OF_MUSIC: readonly ((seconds: number) => Float32Array)[] = [
  pianoChords,
  sustainedChords,
  pluckedArpeggios,
  bowedMelody,
  filteredMelody,
  drums,
  band,
];

/** Chords struck on something like a piano. */
function pianoChords(seconds: number): Float32Array {
  return compose(seconds, (play, { at, chord }) => {
    for (const beat of [0, 1.5, 2.5]) {
      for (const semitone of chord) play(piano, at + beat * BEAT_SECONDS, semitone);
    }
  });
}

/** Sustained chords of a synthesiser. */
function sustainedChords(seconds: number): Float32Array {
  return compose(seconds, (play, { at, chord }) => {
    for (const semitone of chord) play(synthesiser, at, semitone);
  });
}

/** Broken chords on plucked strings. */
function pluckedArpeggios(seconds: number): Float32Array {
  return compose(seconds, (play, { at, chord }) => {
    for (let note = 0; note < 16; note++) {
      play(pluckedString, at + (note * BAR_SECONDS) / 16, (chord[note % chord.length] ?? 0) + 12 * (note % 2));
    }
  });
}

/** A tune on a bowed string, with vibrato. */
function bowedMelody(seconds: number): Float32Array {
  return compose(seconds, (play, bar) => playMelody(bowedString, play, bar));
}

/** The same on a synthesiser whose filter opens with each note, as a mouth does. */
function filteredMelody(seconds: number): Float32Array {
  return compose(seconds, (play, bar) => playMelody(wahWah, play, bar));
}

/** Bass drum, snare and hi-hat. */
function drums(seconds: number): Float32Array {
  return compose(seconds, (play, { at }) => {
    for (let beat = 0; beat < 4; beat++) {
      play(beat % 2 === 0 ? bassDrum : snare, at + beat * BEAT_SECONDS, 0);
      play(hiHat, at + beat * BEAT_SECONDS, 0);
      play(hiHat, at + (beat + 0.5) * BEAT_SECONDS, 0);
    }
  });
}

/** All of them together. */
function band(seconds: number): Float32Array {
  const parts = [drums, pianoChords, sustainedChords, pluckedArpeggios, bowedMelody].map((part) => part(seconds));
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) =>
    parts.reduce((sum, part) => sum + (part[i] ?? 0), 0),
  );
}

const playMelody = (instrument: Instrument, ...[play, { at, index, key }]: Parameters<Bar>): void => {
  for (let beat = 0; beat < 4; beat++) {
    play(instrument, at + beat * BEAT_SECONDS, key + 12 + (MELODY[(index * 4 + beat) % MELODY.length] ?? 0));
  }
};

function compose(seconds: number, bar: Bar): Float32Array {
  const music = new Float32Array(Math.round(seconds * RATE));
  // Each note is made once, however often it is played.
  const notes = new Map<Instrument, Map<number, Float32Array>>();
  const noteOf = (instrument: Instrument, semitone: number): Float32Array => {
    const made = notes.get(instrument) ?? new Map<number, Float32Array>();
    notes.set(instrument, made);
    const note = made.get(semitone) ?? instrument(220 * 2 ** (semitone / 12));
    made.set(semitone, note);
    return note;
  };
  const play = (instrument: Instrument, at: number, semitone: number): void => {
    const start = Math.round(at * RATE);
    const note = noteOf(instrument, semitone).subarray(0, Math.max(0, music.length - start));
    for (const [i, sample] of note.entries()) music[start + i] = (music[start + i] ?? 0) + sample;
  };
  for (let index = 0; index * BAR_SECONDS < seconds; index++) {
    const key = KEYS[Math.floor(index / PROGRESSION.length) % KEYS.length] ?? 0;
    const chord = (PROGRESSION[index % PROGRESSION.length] ?? []).map((semitone) => semitone + key);
    bar(play, { at: index * BAR_SECONDS, index, chord, key });
  }
  return music;
}

/** Partials that fade, the higher the sooner. */
const piano: Instrument = (pitch) =>
  shape(
    1.2,
    (t) => Math.min(1, t / 0.004) * partials(pitch, 8, (n) => (Math.exp(-t * (2 + n)) / n) * wave(n * pitch * t)),
  );

/** Three slightly detuned sawtooth waves with a slow attack. */
const synthesiser: Instrument = (pitch) =>
  shape(BAR_SECONDS * 1.1, (t, rest) => {
    const swell = 0.4 * Math.min(1, t / 0.4, rest / 0.3);
    return (
      swell * partials(pitch, 12, (n) => [0.997, 1, 1.003].reduce((sum, by) => sum + wave(n * pitch * by * t), 0) / n)
    );
  });

const bowedString: Instrument = (pitch) =>
  shape(BEAT_SECONDS * 0.95, (t, rest) => {
    const turns = pitch * t + 0.06 * wave(5.5 * t);
    return Math.min(1, t / 0.08, rest / 0.06) * partials(pitch, 10, (n) => wave(n * turns) / n ** 1.2);
  });

/** A sawtooth two octaves lower, of which the partials around a rising and falling frequency are heard. */
const wahWah: Instrument = (pitch) =>
  shape(BEAT_SECONDS * 0.9, (t, rest) => {
    const centre = 400 + 1_800 * Math.sin((Math.PI * t) / (t + rest)) ** 2;
    const loudness = (frequency: number) => 1 / (1 + ((frequency - centre) / 250) ** 2);
    return (
      Math.min(1, t / 0.03, rest / 0.05) *
      partials(pitch / 4, 40, (n) => (loudness((n * pitch) / 4) * wave((n * pitch * t) / 4)) / Math.sqrt(n))
    );
  });

/** Karplus & Strong, "Digital Synthesis of Plucked-String and Drum Timbres", 1983: noise in a loop that averages. */
const pluckedString: Instrument = (pitch) => {
  const string = Float32Array.from({ length: Math.round(RATE / pitch) }, randomNumbers(7));
  let position = 0;
  return shape(0.6, () => {
    const next = (position + 1) % string.length;
    const sample = string[position] ?? 0;
    string[position] = 0.498 * (sample + (string[next] ?? 0));
    position = next;
    return sample;
  });
};

const bassDrum: Instrument = () =>
  shape(0.3, (t) => 1.5 * Math.exp(-t * 12) * wave(50 * t + 4 * (1 - Math.exp(-t * 30))));

const snare: Instrument = () => {
  const random = randomNumbers(11);
  return shape(0.2, (t) => Math.exp(-t * 22) * (0.8 * random() + 0.5 * wave(190 * t)));
};

/** The difference of neighbouring random numbers is mostly treble. */
const hiHat: Instrument = () => {
  const random = randomNumbers(13);
  let before = 0;
  return shape(0.06, (t) => {
    const now = random();
    const sample = 0.4 * Math.exp(-t * 70) * (now - before);
    before = now;
    return sample;
  });
};

/** @param sample of second `t`, when `rest` seconds are left. */
function shape(seconds: number, sample: (t: number, rest: number) => number): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => sample(i / RATE, seconds - i / RATE));
}

function partials(pitch: number, count: number, partial: (n: number) => number): number {
  let sum = 0;
  for (let n = 1; n <= count && n * pitch < HIGHEST_PARTIAL; n++) sum += partial(n);
  return sum;
}

function wave(turns: number): number {
  return Math.sin(TURN * turns);
}
