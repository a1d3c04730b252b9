import { beforeAll, describe, expect, it } from 'vitest';
import {
  cutClips,
  joinClips,
  randomPauseMs,
  shuffled,
  type Clip,
  type JoinedClips,
  type JoinedWord,
} from '../../bench/support/joined-clips.ts';
import { speechProbabilities, timelineSamples } from '../../bench/support/offline.ts';
import { randomNumbers } from '../../bench/support/random-numbers.ts';
import { readRecording } from '../../bench/support/speech.ts';
import { synthesisedRecordings } from '../../bench/support/word-references.ts';
import { wordErrors } from '../../bench/word-error-rate.ts';
import { Endpointer, type EndpointEvent, type EndSilence } from '../../src/recognition/endpointing.ts';
import { FRAME_SAMPLES, type Engine } from '../../src/recognition/engine.ts';
import { loadMoonshine } from '../../src/recognition/moonshine/moonshine-engine.ts';
import { bytesOf, openSession, RecordingListener } from '../support/recognition.ts';

const CLIPS_IN_A_SESSION = 6;
const SESSIONS = 52;
/** Of white noise, in every other session. */
const BACKGROUND = 0.003;
/** Between the edge of an utterance and the words in it, unless the audio or another utterance ends there: 64 ms. */
const MARGIN = 64 * 16;

const ADAPTIVE = { sentenceEndSilenceMs: 448, endSilenceMs: 992 };
const SETTINGS: readonly [string, EndSilence, (question: number) => boolean][] = [
  ['each silence of 448 ms taken for an end', ADAPTIVE, () => true],
  ['each silence of 992 ms taken for an end', ADAPTIVE, () => false],
  ['now one, now the other', ADAPTIVE, (question) => question % 2 === 0],
  ['each silence of 512 ms taken for an end', { endSilenceMs: 512 }, () => false],
];

interface Utterance {
  readonly start: number;
  readonly end: number;
}

let engine: Engine;
beforeAll(async () => {
  engine = await loadMoonshine({ size: 'tiny' });
});

describe('words at boundaries', () => {
  let sessions: { readonly joined: JoinedClips; readonly probabilities: readonly number[] }[];

  beforeAll(async () => {
    sessions = [];
    for (const joined of await joinedSessions()) {
      sessions.push({ joined, probabilities: await speechProbabilities(engine, joined.samples) });
    }
  }, 60_000);

  it('are more than 300: first words after pauses of 0.2 to 3 s, and last words before the end', () => {
    const words = sessions.flatMap(({ joined }) => joined.words);
    expect(words.filter(({ isFirst }) => isFirst)).toHaveLength(SESSIONS * CLIPS_IN_A_SESSION);
    expect(sessions).toHaveLength(SESSIONS);
    expect(sessions.every(({ joined }) => joined.words.at(-1)?.isLast)).toBe(true);
  });

  it.each(SETTINGS)('are each in one utterance as a whole, and in no other: %s', (_, endSilence, isOver) => {
    const lost = sessions.flatMap(({ joined, probabilities }) => {
      const utterances = utterancesIn(probabilities, joined.samples.length, endSilence, isOver);
      return joined.words.filter((word) => !isKept(word, utterances, joined.samples.length));
    });
    expect(lost).toEqual([]);
  });
});

describe('sentences with pauses between them', () => {
  it('have all their words, once each, up to the end of the session', { timeout: 120_000 }, async () => {
    const random = randomNumbers(1);
    const clips = shuffled(await sentences(), random);
    const joined = joinClips(
      clips,
      clips.map(() => randomPauseMs(random)),
      { amplitude: BACKGROUND, random },
    );
    const listener = await stream(joined.samples, ADAPTIVE);
    const said = joined.words.map(({ text }) => text).join(' ');
    expect(wordErrors(said, listener.texts.join(' '))).toEqual({
      words: joined.words.length,
      substitutions: 0,
      deletions: 0,
      insertions: 0,
    });
  });
});

describe('speech without a pause', () => {
  it(
    'is cut between words, none of which is lost or heard twice, after 15 s at most',
    { timeout: 120_000 },
    async () => {
      const random = randomNumbers(3);
      const recordings = [...(await ownRecordings()), ...(await ownRecordings())];
      const clips = recordings.flatMap(({ samples, words }) =>
        cutClips(samples, words, { leastWords: 1, mostWords: 1, leastGapMs: 20, roomMs: 5, random }),
      );
      const joined = joinClips(clips, [], { amplitude: 0, random });
      const { decisions, texts } = await stream(joined.samples, ADAPTIVE);
      const finals = decisions.flatMap((decision) => (decision.kind === 'final' ? [decision.transcript] : []));
      const cuts = finals.slice(1).filter(({ startSample }, index) => startSample === finals[index]?.endSample);
      expect(cuts.length).toBeGreaterThanOrEqual(3);
      for (const { startSample, endSample } of finals) expect(endSample - startSample).toBeLessThanOrEqual(15 * 16_000);
      expect(wordErrors(joined.words.map(({ text }) => text).join(' '), texts.join(' '))).toEqual({
        words: joined.words.length,
        substitutions: 0,
        deletions: 0,
        insertions: 0,
      });
    },
  );
});

/** Through a session of the streaming recognition, up to its end. */
async function stream(samples: Float32Array, endSilence: EndSilence): Promise<RecordingListener> {
  const listener = new RecordingListener();
  const session = openSession({
    engine,
    format: { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 },
    listener,
    settings: { interimIntervalMs: 0, ...endSilence },
  });
  session.writeAudio(0, bytesOf(Int16Array.from(samples, (sample) => Math.round(sample * 32_767))));
  session.end();
  return await listener.untilEnded();
}

/** Clips of two to six words of the project's own recordings, in sessions of random order and pauses. */
async function joinedSessions(): Promise<JoinedClips[]> {
  const random = randomNumbers(2);
  const recordings = await ownRecordings();
  const clips: Clip[] = [];
  while (clips.length < SESSIONS * CLIPS_IN_A_SESSION) {
    const cut = recordings.flatMap(({ samples, words }) =>
      cutClips(samples, words, { leastWords: 2, mostWords: 6, leastGapMs: 0, roomMs: 60, random }),
    );
    clips.push(...shuffled(cut, random));
  }
  return Array.from({ length: SESSIONS }, (_, session) => {
    const some = clips.slice(session * CLIPS_IN_A_SESSION, (session + 1) * CLIPS_IN_A_SESSION);
    const pausesMs = some.map(() => randomPauseMs(random));
    return joinClips(some, pausesMs, { amplitude: session % 2 === 0 ? 0 : BACKGROUND, random });
  });
}

async function ownRecordings() {
  const recordings = await synthesisedRecordings();
  return await Promise.all(
    recordings.map(async (recording) => ({
      samples: timelineSamples(await readRecording(recording)),
      words: recording.words,
    })),
  );
}

/** The sentences of the project's own recordings: longer silences are between them only. */
async function sentences(): Promise<Clip[]> {
  const recordings = await ownRecordings();
  return recordings.flatMap(({ samples, words }) =>
    cutClips(samples, words, { leastWords: 1, mostWords: 1, leastGapMs: 400, roomMs: 60, random: randomNumbers(1) }),
  );
}

function utterancesIn(
  probabilities: readonly number[],
  audioEnd: number,
  endSilence: EndSilence,
  isOver: (question: number) => boolean,
): Utterance[] {
  const endpointer = new Endpointer(endSilence);
  const utterances: Utterance[] = [];
  let questions = 0;
  const take = (events: readonly EndpointEvent[]): void => {
    for (const event of events) {
      if (event.kind === 'questioned' && isOver(questions++)) take(endpointer.endHere());
      if (event.kind !== 'ended' && event.kind !== 'cut') continue;
      const [start, end] = [event.startFrame, event.endFrame].map((frame) => Math.min(audioEnd, frame * FRAME_SAMPLES));
      utterances.push({ start: start ?? NaN, end: end ?? NaN });
    }
  };
  for (const probability of probabilities) take(endpointer.hear(probability));
  take(endpointer.flush());
  return utterances;
}

function isKept(word: JoinedWord, utterances: readonly Utterance[], audioEnd: number): boolean {
  const touched = utterances.flatMap(({ start, end }, index) =>
    start < word.endSample && word.startSample < end ? [index] : [],
  );
  const [only, another] = touched;
  const utterance = only === undefined ? undefined : utterances[only];
  if (only === undefined || utterance === undefined || another !== undefined) return false;
  const earliest = Math.max(utterances[only - 1]?.end ?? 0, word.startSample - (word.isFirst ? MARGIN : 0));
  const latest = Math.min(
    utterances[only + 1]?.start ?? audioEnd,
    audioEnd,
    word.endSample + (word.isLast ? MARGIN : 0),
  );
  return utterance.start <= earliest && latest <= utterance.end;
}
