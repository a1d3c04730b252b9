import { Endpointer, type EndpointEvent, type EndSilence } from '../../src/recognition/endpointing.ts';
import { FRAME_SAMPLES, type Hypothesis } from '../../src/recognition/engine.ts';
import { isSentenceOver } from '../../src/recognition/sentence-end.ts';
import { stretchKey } from './bare-engine.ts';

/**
 * From which sample on each utterance is known to have ended, by `stretchKey`: a function of the audio alone.
 *
 * @param probabilities the detector's, frame by frame.
 * @param finals the words of those that became finals.
 */
export function certainMoments(
  probabilities: readonly number[],
  endSilence: EndSilence,
  finals: ReadonlyMap<string, Hypothesis>,
): Map<string, number> {
  const endpointer = new Endpointer(endSilence);
  const moments = new Map<string, number>();
  const take = (events: readonly EndpointEvent[]): void => {
    for (const event of events) {
      if (event.kind !== 'questioned' && event.kind !== 'ended' && event.kind !== 'cut') continue;
      const key = stretchKey({
        startSample: event.startFrame * FRAME_SAMPLES,
        endSample: event.endFrame * FRAME_SAMPLES,
      });
      if (event.kind !== 'questioned') {
        moments.set(key, endpointer.position * FRAME_SAMPLES);
        continue;
      }
      const words = finals.get(key);
      if (words !== undefined && isSentenceOver(words)) take(endpointer.endHere());
    }
  };
  for (const probability of probabilities) take(endpointer.hear(probability));
  return moments;
}
