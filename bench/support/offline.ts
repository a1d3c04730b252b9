import { decodeSamples } from '../../src/audio/decode.ts';
import { createResamplerTable } from '../../src/audio/resampler-table.ts';
import { Resampler } from '../../src/audio/resampler.ts';
import { cutBetweenWords } from '../../src/recognition/cut-between-words.ts';
import { Endpointer, type EndpointEvent, type EndSilence } from '../../src/recognition/endpointing.ts';
import { FRAME_SAMPLES, type Engine } from '../../src/recognition/engine.ts';
import { isSentenceOver } from '../../src/recognition/sentence-end.ts';
import type { RecordedAudio } from './speech.ts';

/** An utterance of a whole recording; samples at the timeline rate. */
export interface HeardUtterance {
  readonly startSample: number;
  readonly endSample: number;
  /** Ended at a dip of the voice, because it had become too long. */
  readonly isCut: boolean;
  readonly text: string;
}

/** The samples of a recording of one channel at the timeline rate, brought there in one piece. */
export function timelineSamples({ format, bytes }: RecordedAudio): Float32Array {
  const samples = decodeSamples(format, bytes)[0] ?? new Float32Array(0);
  const resampler = new Resampler(createResamplerTable(format.sampleRate), { spanStartFrame: 0 });
  const first = resampler.write(samples);
  const last = resampler.flush();
  const all = new Float32Array(first.length + last.length);
  all.set(first);
  all.set(last, first.length);
  return all;
}

/** The detector's opinion of each frame; the last one is filled up with silence. */
export async function speechProbabilities(engine: Engine, audio: Float32Array): Promise<number[]> {
  const detector = engine.openDetector(null);
  const probabilities: number[] = [];
  for (let start = 0; start < audio.length; start += FRAME_SAMPLES) {
    const frame = new Float32Array(FRAME_SAMPLES);
    frame.set(audio.subarray(start, start + FRAME_SAMPLES));
    probabilities.push(await detector.probability(frame));
  }
  return probabilities;
}

/**
 * What the model hears in a whole recording without any streaming: the detector goes over all of it, the endpointing over
 * that, and then each utterance is decoded. No server, no processes, no chunks, no queue.
 */
export async function hearOffline(
  engine: Engine,
  audio: Float32Array,
  endSilence: EndSilence,
): Promise<HeardUtterance[]> {
  const endpointer = new Endpointer(endSilence);
  const sampleOf = (frame: number) => Math.min(audio.length, frame * FRAME_SAMPLES);
  const decode = ({ startFrame, endFrame }: { startFrame: number; endFrame: number }) =>
    engine.decode(audio.slice(sampleOf(startFrame), sampleOf(endFrame)), { language: 'en', purpose: 'final' });
  const heard: HeardUtterance[] = [];
  const take = async (events: readonly EndpointEvent[]): Promise<void> => {
    for (const event of events) {
      if (event.kind === 'questioned' && isSentenceOver(await decode(event))) await take(endpointer.endHere());
      if (event.kind === 'overlong') {
        const frame = await cutBetweenWords(endpointer, event, (from, to) =>
          decode({ startFrame: from, endFrame: to }),
        );
        await take(endpointer.cutAt(frame));
      }
      if (event.kind !== 'ended' && event.kind !== 'cut') continue;
      heard.push({
        startSample: sampleOf(event.startFrame),
        endSample: sampleOf(event.endFrame),
        isCut: event.kind === 'cut',
        text: (await decode(event)).text,
      });
    }
  };
  for (const probability of await speechProbabilities(engine, audio)) await take(endpointer.hear(probability));
  await take(endpointer.flush());
  return heard;
}

/** The text of all utterances. */
export function textOf(utterances: readonly HeardUtterance[]): string {
  return utterances.map(({ text }) => text).join(' ');
}
