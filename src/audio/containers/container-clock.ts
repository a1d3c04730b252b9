import { MalformedAudioError } from './malformed-audio-error.ts';

/** A day, in frames at 48 kHz: a longer gap is a mistake in the stream. */
const MAX_GAP_FRAMES = 24 * 3_600 * 48_000;

export interface Followed {
  /** Frames of the timeline that the container has no audio for; 0 when it goes on where it was. */
  readonly gap: number;
  /** Where its next audio begins by its own count, as it is to be compared from now on. */
  readonly position: number;
}

/**
 * Compares where a container says that its audio goes on with where it should by the audio that came. A jump forward of more
 * than the tolerance is a gap. Smaller deviations add up until they are more than that, so that the timeline is never further
 * from the container's own times than the tolerance.
 *
 * @param expected by the audio that came; `null` at the beginning, which may be at any time.
 * @param isLost bytes were lost before it: what it says is believed, since nothing else tells how many.
 * @throws MalformedAudioError when the gap is absurd
 */
export function followClock(
  expected: number | null,
  stated: number,
  toleranceFrames: number,
  isLost: boolean,
): Followed {
  if (expected === null) return { gap: 0, position: stated };
  const ahead = stated - expected;
  if (ahead > MAX_GAP_FRAMES) {
    throw new MalformedAudioError('the container’s times jump by more than a day: start a new session');
  }
  if (ahead > toleranceFrames) return { gap: ahead, position: stated };
  return { gap: 0, position: isLost || ahead < -toleranceFrames ? stated : expected };
}
