import { ApiConnection } from '../src/cli/api-connection.ts';
import { readConfig } from '../src/config.ts';
import type { Engine } from '../src/recognition/engine.ts';
import { describeEngine } from '../src/recognition/engines.ts';
import { TIMELINE_RATE } from '../src/recognition/recogniser.ts';
import { NO_SPEECH, type Benchmark, type BenchmarkContext, type Figure, type Outcome } from './benchmark.ts';
import { forEachOf } from './support/for-each-of.ts';
import {
  cutClips,
  joinClips,
  randomPauseMs,
  shuffled,
  type Clip,
  type JoinedClips,
  type JoinedWord,
} from './support/joined-clips.ts';
import { hearOffline, timelineSamples } from './support/offline.ts';
import { randomNumbers } from './support/random-numbers.ts';
import { withMeasuredServer } from './support/server.ts';
import { readRecording } from './support/speech.ts';
import { transcribeSamples, type Segment } from './support/transcribe-samples.ts';
import { hearing, isInOne, wordsBeside } from './support/word-hearing.ts';
import { alignedRecordings, type TimedRecording } from './support/word-references.ts';

const CLIPS_IN_A_SESSION = 6;
const MOST_SESSIONS = 50;
const SESSIONS_AT_A_TIME = 2;
/** Of white noise in every third session, and of louder noise in every third. */
const BACKGROUNDS = [0, 0.001, 0.003];
/** What a clip that is decoded alone has around it, as an utterance has. */
const ROOM_BEFORE = samples(256);
const ROOM_AFTER = samples(160);
/** Speech without pauses is made of recordings of one voice, of which so much is enough. */
const LONGEST_WITHOUT_PAUSE = samples(40_000);
/** Decoded in one piece around a forced cut, to compare. */
const AROUND_CUT = samples(6_000);

export const boundaries: Benchmark = {
  name: 'boundaries',
  about: 'words at pauses, at the end, and where speech without a pause is cut: those that get lost or come twice',
  bareLimit: 'the model decodes the same clip, or the seconds around the cut, in one piece',
  limitMs: 600_000,
  run,
};

async function run(context: BenchmarkContext): Promise<Outcome> {
  const recordings = await alignedRecordings(context.speech ?? []);
  if (recordings.length === 0) return NO_SPEECH;
  const engine = await describeEngine(context.model, { scriptedFaults: false }).load();
  const sessions = await joinedSessions(recordings);
  const { heard, notes } = await transcribeSessions(sessions, context);
  const aloneOf = await decodeAlone(sessions, engine, context);
  const atPauses = sessions.flatMap((session, index) =>
    judgeSession(session, heard[index] ?? [], aloneOf[index] ?? []),
  );
  const atCuts = await judgeForcedCuts(recordings, engine, context);
  if (context.details) for (const { word, verdict } of [...atPauses, ...atCuts]) tellWord(word, verdict, context);
  return {
    kind: 'measured',
    figures: [
      ...figuresOf(
        'first words after a pause',
        at(atPauses, ({ isFirst }) => isFirst),
      ),
      ...figuresOf(
        'last words before a pause',
        at(atPauses, ({ isLast, isVeryLast }) => isLast && !isVeryLast),
      ),
      ...figuresOf(
        'last words before the end',
        at(atPauses, ({ isVeryLast }) => isVeryLast),
      ),
      ...figuresOf(
        'words before and after a forced cut',
        at(atCuts, () => true),
      ),
    ],
    notes: [
      `model ${context.model}; ${sessions.length} sessions of ${CLIPS_IN_A_SESSION} clips, cut between words of recorded speech where there are 30 ms or more; before each a pause of 0.2 to 3 s; silence or white noise (peak -60 or -50 dB) over all`,
      'heard: as in the transcript, by the rules of the word error rate; what the model mishears in one piece, too, is its own',
      'lost by cutting: the model hears it in one piece, the server does not, and its samples are not all in one utterance (50 ms allowed for the reference)',
      'forced cuts: recordings of one voice without their pauses, joined, up to 40 s; the words before and after each place where two utterances touch',
      ...notes,
    ],
  };
}

interface Session {
  readonly clips: readonly Clip[];
  readonly joined: JoinedClips;
}

interface BoundaryWord extends JoinedWord {
  readonly isVeryLast: boolean;
}

interface Verdict {
  readonly isHeard: boolean;
  readonly isHeardInOnePiece: boolean;
  readonly isWhole: boolean;
  readonly isDoubled: boolean;
}

interface Judged {
  readonly word: BoundaryWord;
  readonly verdict: Verdict;
}

function at(all: readonly Judged[], which: (word: BoundaryWord) => boolean): Verdict[] {
  return all.filter(({ word }) => which(word)).map(({ verdict }) => verdict);
}

function figuresOf(what: string, verdicts: readonly Verdict[]): Figure[] {
  const count = (which: (verdict: Verdict) => boolean) => verdicts.filter(which).length;
  const none = { of: 'ours', atMost: 0 } as const;
  return [
    { what, unit: 'count', ours: verdicts.length },
    {
      what: `${what}: heard`,
      unit: 'count',
      ours: count(({ isHeard }) => isHeard),
      bareLimit: count(({ isHeardInOnePiece }) => isHeardInOnePiece),
      target: { of: 'ratio', atLeast: 0.98 },
    },
    {
      what: `${what}: lost by cutting`,
      unit: 'count',
      ours: count(({ isHeard, isHeardInOnePiece, isWhole }) => isHeardInOnePiece && !isHeard && !isWhole),
      target: none,
    },
    { what: `${what}: heard twice`, unit: 'count', ours: count(({ isDoubled }) => isDoubled), target: none },
  ];
}

async function joinedSessions(recordings: readonly TimedRecording[]): Promise<Session[]> {
  const random = randomNumbers(3);
  const clips: Clip[] = [];
  for (const recording of recordings) {
    const audio = timelineSamples(await readRecording(recording));
    clips.push(
      ...cutClips(audio, recording.words, { leastWords: 2, mostWords: 4, leastGapMs: 30, roomMs: 60, random }),
    );
  }
  const mixed = shuffled(clips, random);
  const count = Math.min(MOST_SESSIONS, Math.floor(mixed.length / CLIPS_IN_A_SESSION));
  return Array.from({ length: count }, (_, session) => {
    const some = mixed.slice(session * CLIPS_IN_A_SESSION, (session + 1) * CLIPS_IN_A_SESSION);
    const pausesMs = some.map(() => randomPauseMs(random));
    const amplitude = BACKGROUNDS[session % BACKGROUNDS.length] ?? 0;
    return { clips: some, joined: joinClips(some, pausesMs, { amplitude, random }) };
  });
}

/** Through the whole server, ended at once after the last word. @returns the finals of each. */
async function transcribeSessions(
  sessions: readonly Session[],
  { serverEntry: entry, model, signal, tell }: BenchmarkContext,
): Promise<{ heard: readonly (readonly Segment[])[]; notes: readonly string[] }> {
  const settings = { MODEL: model, INTERIM_INTERVAL_MS: '0' };
  return await withMeasuredServer({ entry, settings, signal }, async (server) => {
    const heard: (readonly Segment[])[] = [];
    const connection = await ApiConnection.open(server.address);
    await forEachOf([...sessions.entries()], SESSIONS_AT_A_TIME, async ([index, { joined }]) => {
      signal.throwIfAborted();
      const segments = await transcribeSamples(connection, joined.samples);
      heard[index] = segments.filter(({ kind }) => kind === 'FINAL');
      if ((index + 1) % 10 === 0) tell(`${index + 1} of ${sessions.length} sessions`);
    });
    connection.close();
    return { heard, notes: server.complaints.map((line) => `logged: ${line}`) };
  });
}

/** Each clip on its own, with the room that an utterance has, as it sounds in its session. @returns its text. */
async function decodeAlone(
  sessions: readonly Session[],
  engine: Engine,
  { signal, tell }: BenchmarkContext,
): Promise<string[][]> {
  tell('now clip by clip');
  const texts: string[][] = [];
  for (const { clips, joined } of sessions) {
    const ofSession: string[] = [];
    let word = 0;
    for (const clip of clips) {
      signal.throwIfAborted();
      const start = (joined.words[word]?.startSample ?? 0) - (clip.words[0]?.startSample ?? 0);
      word += clip.words.length;
      const audio = joined.samples.slice(
        Math.max(0, start - ROOM_BEFORE),
        Math.min(joined.samples.length, start + clip.samples.length + ROOM_AFTER),
      );
      ofSession.push((await engine.decode(audio, { language: 'en', purpose: 'final' })).text);
    }
    texts.push(ofSession);
  }
  return texts;
}

function judgeSession({ clips, joined }: Session, finals: readonly Segment[], alone: readonly string[]): Judged[] {
  const heard = hearing(
    joined.words,
    finals.map(({ text }) => text),
  );
  const isHeardAlone = clips.flatMap(({ words }, index) => {
    const inClip = hearing(words, [alone[index] ?? '']);
    return words.map((_, position) => inClip.isHeard(position));
  });
  const utterances = finals.map(({ startMs, endMs }) => ({ startSample: samples(startMs), endSample: samples(endMs) }));
  return joined.words.flatMap((word, index) => {
    if (!word.isFirst && !word.isLast) return [];
    const verdict = {
      isHeard: heard.isHeard(index),
      isHeardInOnePiece: isHeardAlone[index] ?? false,
      isWhole: isInOne(word, utterances),
      isDoubled: heard.isDoubled(index),
    };
    return [{ word: { ...word, isVeryLast: index === joined.words.length - 1 }, verdict }];
  });
}

/** Speech without its pauses; the words beside each place where it had to be cut. */
async function judgeForcedCuts(
  recordings: readonly TimedRecording[],
  engine: Engine,
  { model, signal, tell }: BenchmarkContext,
): Promise<Judged[]> {
  tell('now without pauses');
  const endSilence = readConfig({ MODEL: model });
  const judged: Judged[] = [];
  for (const joined of await withoutPauses(recordings)) {
    signal.throwIfAborted();
    const utterances = await hearOffline(engine, joined.samples, endSilence);
    const heard = hearing(
      joined.words,
      utterances.map(({ text }) => text),
    );
    for (const { endSample } of utterances.filter(({ isCut }) => isCut)) {
      const start = Math.max(0, endSample - AROUND_CUT);
      const around = joined.samples.slice(start, endSample + AROUND_CUT);
      const { text } = await engine.decode(around, { language: 'en', purpose: 'final' });
      const first = joined.words.findIndex((word) => word.startSample >= start);
      const inOnePiece = hearing(
        joined.words.filter(({ startSample, endSample: end }) => startSample >= start && end <= start + around.length),
        [text],
      );
      for (const index of wordsBeside(joined.words, endSample)) {
        const word = joined.words[index];
        if (word === undefined) continue;
        const verdict = {
          isHeard: heard.isHeard(index),
          isHeardInOnePiece: inOnePiece.isHeard(index - first),
          isWhole: isInOne(word, utterances),
          isDoubled: heard.isDoubled(index),
        };
        judged.push({ word: { ...word, isVeryLast: false }, verdict });
      }
    }
  }
  return judged;
}

/** For each voice, its recordings joined, with nothing where they have silence. */
async function withoutPauses(recordings: readonly TimedRecording[]): Promise<JoinedClips[]> {
  const random = randomNumbers(4);
  const voices = new Map<string, TimedRecording[]>();
  for (const recording of recordings) {
    const parts = recording.file.split('-');
    const voice = parts.slice(0, recording.file.startsWith('ls-') ? 2 : 1).join('-');
    voices.set(voice, [...(voices.get(voice) ?? []), recording]);
  }
  const joined: JoinedClips[] = [];
  for (const ofVoice of voices.values()) {
    const clips: Clip[] = [];
    let length = 0;
    for (const recording of ofVoice) {
      const audio = timelineSamples(await readRecording(recording));
      const cut = cutClips(audio, recording.words, { leastWords: 1, mostWords: 1, leastGapMs: 20, roomMs: 5, random });
      length += cut.reduce((sum, clip) => sum + clip.samples.length, 0);
      if (length > LONGEST_WITHOUT_PAUSE) break;
      clips.push(...cut);
    }
    joined.push(joinClips(clips, [], { amplitude: 0, random }));
  }
  return joined;
}

function tellWord(word: BoundaryWord, verdict: Verdict, { tell }: BenchmarkContext): void {
  if (verdict.isHeard && !verdict.isDoubled) return;
  const told = Object.entries(verdict).flatMap(([name, is]) => (is === true ? [name] : []));
  tell(`${word.text} at ${Math.round(word.startSample / 16)} ms: ${told.join(', ') || 'nothing of it'}`);
}

function samples(ms: number): number {
  return Math.round((ms * TIMELINE_RATE) / 1000);
}
