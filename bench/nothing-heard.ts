import { ApiConnection } from '../src/cli/api-connection.ts';
import type { Benchmark, BenchmarkContext, Figure, Outcome } from './benchmark.ts';
import { forEachOf } from './support/for-each-of.ts';
import { withMeasuredServer } from './support/server.ts';
import { atLevels, SOUNDS_WITHOUT_SPEECH } from './support/sounds.ts';
import { transcribeSamples, type Segment } from './support/transcribe-samples.ts';

const SECONDS = 300;
/** Of the highest peak, in decibels below full scale: from barely there to as loud as it can be. */
const LEVELS = [60, 40, 24, 12, 1];
const LEVEL_SECONDS = 12;
const SESSIONS_AT_A_TIME = 2;

export const nothingHeard: Benchmark = {
  name: 'nothing-heard',
  about: 'five minutes each of silence, noises and music without a voice: words that are made up',
  limitMs: 300_000,
  run,
};

async function run({ serverEntry: entry, model, signal, details, tell }: BenchmarkContext): Promise<Outcome> {
  return await withMeasuredServer({ entry, settings: { MODEL: model }, signal }, async (server) => {
    const heard = new Map<string, readonly Segment[]>();
    const sounds = Object.entries(SOUNDS_WITHOUT_SPEECH);
    await forEachOf(sounds, SESSIONS_AT_A_TIME, async ([name, make]) => {
      signal.throwIfAborted();
      const connection = await ApiConnection.open(server.address);
      const segments = await transcribeSamples(connection, atLevels(make(SECONDS), LEVELS, LEVEL_SECONDS));
      connection.close();
      const withText = segments.filter(({ text }) => text !== '');
      heard.set(name, withText);
      if (details) for (const { kind, text, startMs } of withText) tell(`${name}, ${startMs} ms, ${kind}: ${text}`);
    });
    const count = (name: string, kind: Segment['kind']) =>
      heard.get(name)?.filter((segment) => segment.kind === kind).length ?? null;
    return {
      kind: 'measured',
      figures: sounds.flatMap(([name]): Figure[] => [
        {
          what: `finals in ${SECONDS} s of ${name}`,
          unit: 'count',
          ours: count(name, 'FINAL'),
          target: { of: 'ours', atMost: 0 },
        },
        { what: `interims in ${SECONDS} s of ${name}`, unit: 'count', ours: count(name, 'INTERIM') },
      ]),
      notes: [
        `model ${model}; peaks ${LEVELS.map((level) => `-${level}`).join(', ')} dB, ${LEVEL_SECONDS} s each in turn; all sounds are synthesised`,
        ...server.complaints.map((line) => `logged: ${line}`),
      ],
    };
  });
}
