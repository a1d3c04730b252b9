import { AudioFile } from '../src/cli/audio-file.ts';
import { transcribeFile } from '../src/cli/transcribe-file.ts';
import { readConfig } from '../src/config.ts';
import { describeEngine } from '../src/recognition/engines.ts';
import { NO_SPEECH, type Benchmark, type BenchmarkContext, type Figure, type Outcome } from './benchmark.ts';
import { forEachOf } from './support/for-each-of.ts';
import { hearOffline, textOf, timelineSamples } from './support/offline.ts';
import { withMeasuredServer, type MeasuredServer } from './support/server.ts';
import { readRecording, type SpeechFile } from './support/speech.ts';
import { addErrors, wordErrorRate, wordErrors } from './word-error-rate.ts';

/** Enough to keep the recogniser busy while a session starts or ends. */
const SESSIONS_AT_A_TIME = 4;
/** LibriSpeech, the part that is compared with published figures. */
const LIBRISPEECH = /^ls-/u;
/** What streaming may cost, as a share of the words. */
const STREAMING_COST = 0.003;
/** The model can hear so much at once, with the best words. */
const WHOLE_SECONDS = 20;

export const accuracy: Benchmark = {
  name: 'accuracy',
  about: 'word error rate of recorded speech that goes through the whole server, and of the same model offline',
  limitMs: 600_000,
  run,
};

async function run(context: BenchmarkContext): Promise<Outcome> {
  const files = context.speech?.filter(({ isConcatenation }) => !isConcatenation) ?? [];
  if (files.length === 0) return NO_SPEECH;
  const { serverEntry: entry, signal } = context;
  const offline = await transcribeOffline(files, context);
  return await withMeasuredServer({ entry, settings: { MODEL: context.model }, signal }, async (server) => {
    const before = await server.usage();
    const startedAt = performance.now();
    const { texts, setbacks } = await transcribeThroughServer(files, server, context);
    const wallMs = performance.now() - startedAt;
    const after = await server.usage();

    const audioSeconds = files.reduce((sum, { seconds }) => sum + seconds, 0);
    const perSecond = (ms: number) => ms / audioSeconds;
    const recogniserMs =
      before.recognisers && after.recognisers ? after.recognisers.cpuMs - before.recognisers.cpuMs : null;
    return {
      kind: 'measured',
      figures: [
        ...score(files, texts, offline),
        { what: 'audio', unit: 'seconds', ours: audioSeconds },
        { what: 'speed, times real time', unit: 'times', ours: (audioSeconds * 1000) / wallMs },
        {
          what: 'CPU of the server process, per second of audio',
          unit: 'cpu ms per s',
          ours: perSecond(after.server.cpuMs - before.server.cpuMs),
        },
        {
          what: 'CPU of the recogniser processes, per second of audio',
          unit: 'cpu ms per s',
          ours: recogniserMs === null ? null : perSecond(recogniserMs),
        },
      ],
      notes: [
        `model ${context.model}, ${files.length} files, ${SESSIONS_AT_A_TIME} sessions at a time, each as fast as the server takes it`,
        'offline: in one process without server, chunks or queue; the detector goes over the whole file, then each utterance that it finds by the same settings is decoded',
        `whole: a file is one decode, without a detector; only those of up to ${WHOLE_SECONDS} s, whose rate with it is given to compare`,
        ...setbacks.map((setback) => `setback: ${setback}`),
        ...server.complaints.map((line) => `logged: ${line}`),
      ],
    };
  });
}

/**
 * Word errors of all files together and of their LibriSpeech part: micro-averages, so that each word counts the same.
 * @param texts what was recognised, file by file
 */
function score(files: readonly SpeechFile[], texts: ReadonlyMap<string, string>, offline: OfflineTexts): Figure[] {
  const errorsOf = (some: readonly SpeechFile[], heard: ReadonlyMap<string, string>) =>
    addErrors(some.map(({ file, reference }) => wordErrors(reference, heard.get(file) ?? '')));
  const all = errorsOf(files, texts);
  const allOffline = errorsOf(files, offline.detected);
  const librispeech = errorsOf(
    files.filter(({ file }) => LIBRISPEECH.test(file)),
    texts,
  );
  const short = files.filter(({ file }) => offline.whole.has(file));
  const rate = wordErrorRate(all);
  const offlineRate = wordErrorRate(allOffline);
  return [
    { what: 'word error rate', unit: 'percent', ours: rate, bareLimit: offlineRate },
    {
      what: 'word error rate, streamed less offline',
      unit: 'percent',
      ours: rate === null || offlineRate === null ? null : rate - offlineRate,
      target: { of: 'ours', atMost: STREAMING_COST },
    },
    {
      what: 'files whose words differ from those offline',
      unit: 'count',
      ours: files.filter(({ file }) => texts.get(file) !== offline.detected.get(file)).length,
    },
    {
      what: `word error rate of files up to ${WHOLE_SECONDS} s, against whole`,
      unit: 'percent',
      ours: wordErrorRate(errorsOf(short, texts)),
      bareLimit: wordErrorRate(errorsOf(short, offline.whole)),
    },
    { what: 'words', unit: 'count', ours: all.words },
    { what: 'substitutions', unit: 'count', ours: all.substitutions },
    { what: 'deletions', unit: 'count', ours: all.deletions },
    { what: 'insertions', unit: 'count', ours: all.insertions },
    { what: 'word error rate of LibriSpeech', unit: 'percent', ours: wordErrorRate(librispeech) },
    { what: 'words of LibriSpeech', unit: 'count', ours: librispeech.words },
  ];
}

interface OfflineTexts {
  /** By file; its utterances found by the detector. */
  readonly detected: ReadonlyMap<string, string>;
  /** By file; decoded as it is, where it is short enough. */
  readonly whole: ReadonlyMap<string, string>;
}

async function transcribeOffline(
  files: readonly SpeechFile[],
  { model, signal, tell }: BenchmarkContext,
): Promise<OfflineTexts> {
  tell('first offline');
  const engine = await describeEngine(model, { scriptedFaults: false }).load();
  const endSilence = readConfig({ MODEL: model });
  const detected = new Map<string, string>();
  const whole = new Map<string, string>();
  for (const speech of files) {
    signal.throwIfAborted();
    const audio = timelineSamples(await readRecording(speech));
    detected.set(speech.file, textOf(await hearOffline(engine, audio, endSilence)));
    if (speech.seconds > WHOLE_SECONDS) continue;
    const { text } = await engine.decode(audio, { language: 'en', purpose: 'final' });
    whole.set(speech.file, text);
  }
  return { detected, whole };
}

/** Sends each file as a session of its own, as fast as the server takes it, and joins the finals. */
async function transcribeThroughServer(
  files: readonly SpeechFile[],
  server: MeasuredServer,
  { tell, details, signal }: BenchmarkContext,
): Promise<{ texts: ReadonlyMap<string, string>; setbacks: readonly string[] }> {
  const texts = new Map<string, string>();
  const setbacks: string[] = [];
  await forEachOf(files, SESSIONS_AT_A_TIME, async (speech) => {
    signal.throwIfAborted();
    const audio = await AudioFile.open(speech.path);
    const finals: string[] = [];
    try {
      await transcribeFile(
        server.address,
        audio,
        { externalId: speech.file, title: null, language: 'en', speed: Infinity },
        {
          onSegment: ({ kind, text }) => {
            if (kind === 'FINAL') finals.push(text);
          },
          onProgress: () => undefined,
          onSetback: ({ message }) => setbacks.push(`${speech.file}: ${message}`),
        },
        signal,
      );
    } finally {
      await audio.close();
    }
    texts.set(speech.file, finals.join(' '));
    if (details) tellErrors(speech, finals, tell);
    else if (texts.size % 10 === 0) tell(`${texts.size} of ${files.length} files`);
  });
  return { texts, setbacks };
}

function tellErrors({ file, reference }: SpeechFile, finals: readonly string[], tell: (line: string) => void): void {
  const { words, substitutions, deletions, insertions } = wordErrors(reference, finals.join(' '));
  tell(`${file}: ${words} words, ${substitutions} substituted, ${deletions} deleted, ${insertions} inserted`);
  if (substitutions + deletions + insertions === 0) return;
  tell(`  said  ${reference}`);
  tell(`  heard ${finals.join(' | ')}`);
}
