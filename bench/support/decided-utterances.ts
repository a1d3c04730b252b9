import { setImmediate as nextTurn } from 'node:timers/promises';
import { bytesPerFrame } from '../../src/audio/format.ts';
import { createResamplerTable } from '../../src/audio/resampler-table.ts';
import { DecodeQueue } from '../../src/recognition/decode-queue.ts';
import type { EndSilence } from '../../src/recognition/endpointing.ts';
import { FRAME_SAMPLES, type Engine, type SpeechDetector } from '../../src/recognition/engine.ts';
import { timelineMs } from '../../src/recognition/recogniser.ts';
import { RecognitionSession } from '../../src/recognition/recognition-session.ts';
import type { RecordedAudio } from './speech.ts';

/** An utterance as the recording alone decides it, and the audio that it takes to know. */
export interface DecidedUtterance {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
  /** Audio after which it is certain that the utterance has ended here, in ms from the first sample (32 ms steps). */
  readonly certainMs: number;
  /** Beginning of the first frame of it that the detector took for speech. */
  readonly speechMs: number;
}

/** As the detector's frames are. */
const STEP_MS = 32;
const VOICED = 0.5;

/**
 * Hears a recording in this process, frame by frame and with all the time in the world: what is decided, and when, is a function
 * of the audio alone, so it is what a server must come to.
 */
export async function decideUtterances(
  engine: Engine,
  { format, bytes }: RecordedAudio,
  endSilence: EndSilence,
): Promise<DecidedUtterance[]> {
  const utterances: DecidedUtterance[] = [];
  const voicedFrames: number[] = [];
  const queue = new DecodeQueue(engine);
  let heardMs = 0;
  const failures: Error[] = [];
  const session = new RecognitionSession(
    { sessionId: 'benchmark', format, language: 'en', resume: null },
    {
      onInterim: () => undefined,
      onProgress: () => undefined,
      onEnded: () => undefined,
      onFailure: (error) => failures.push(error),
      onDecision: (decision) => {
        if (decision.kind !== 'final') return;
        const { startSample, endSample, text } = decision.transcript;
        const first = voicedFrames.find((frame) => frame * FRAME_SAMPLES >= startSample);
        utterances.push({
          startMs: timelineMs(startSample),
          endMs: timelineMs(endSample),
          text,
          certainMs: heardMs,
          speechMs: timelineMs(first === undefined ? startSample : first * FRAME_SAMPLES),
        });
      },
    },
    {
      engine: { ...engine, openDetector: (saved) => noting(engine.openDetector(saved), voicedFrames) },
      queue,
      settings: { interimIntervalMs: 0, ...endSilence },
      table: createResamplerTable(format.sampleRate),
      now: () => performance.now(),
      warn: (message) => {
        throw new Error(message);
      },
    },
  );
  const frames = bytes.length / bytesPerFrame(format);
  const step = Math.round((format.sampleRate * STEP_MS) / 1000);
  for (let frame = 0; frame < frames && failures.length === 0; frame += step) {
    heardMs = ((frame + step) * 1000) / format.sampleRate;
    session.writeAudio(frame, bytes.subarray(frame * bytesPerFrame(format), (frame + step) * bytesPerFrame(format)));
    do await nextTurn();
    while (session.isBusy || queue.isBusy);
  }
  session.close();
  if (failures[0] !== undefined) throw failures[0];
  return utterances;
}

/** The same detector, its voiced frames counted from the first it was given. */
function noting(detector: SpeechDetector, voicedFrames: number[]): SpeechDetector {
  let frame = 0;
  return {
    probability: async (samples) => {
      const probability = await detector.probability(samples);
      if (probability >= VOICED) voicedFrames.push(frame);
      frame += 1;
      return probability;
    },
    save: () => detector.save(),
  };
}
