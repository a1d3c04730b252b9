import type { DecodeOptions, Engine, Hypothesis, SpeechDetector } from '../engine.ts';
import { FRAME_SAMPLES } from '../engine.ts';
import { TIMELINE_RATE, type RecogniserCapabilities, type RecogniserIdentity } from '../recogniser.ts';
import { MoonshineDecoder } from './decoder.ts';
import { calibrated, CALIBRATIONS, type Calibration } from './calibration.ts';
import { isInForeignScript, NOTHING, toHypothesis } from './hypothesis.ts';
import { MOONSHINE_CAPABILITIES, moonshineIdentity } from './identity.ts';
import { MAX_AUDIO_SECONDS } from './limits.ts';
import { SILERO_FILE, type MoonshineSize } from './model-files.ts';
import { openModel } from './runtime.ts';
import { SileroDetector } from './silero-detector.ts';
import { wordTimes } from './word-times.ts';

export interface MoonshineOptions {
  readonly size: MoonshineSize;
}

/**
 * Loads Moonshine (English) and the Silero speech detector, and runs each once: the first run is slow.
 *
 * @throws ModelMissingError, ModelMismatchError when the files are not the expected ones; the message says what to do.
 */
export async function loadMoonshine({ size }: MoonshineOptions): Promise<Engine> {
  const detectorModel = await openModel(SILERO_FILE);
  const decoder = await MoonshineDecoder.load(size);
  await new SileroDetector(detectorModel, null).probability(new Float32Array(FRAME_SAMPLES));
  await decoder.decode(new Float32Array(TIMELINE_RATE), { attention: true });
  return new MoonshineEngine(
    moonshineIdentity(size),
    decoder,
    CALIBRATIONS[size],
    (saved) => new SileroDetector(detectorModel, saved),
  );
}

/** The tokens of a decode, with which the next one is likely to begin. */
class Seed {
  readonly tokens: readonly number[];

  constructor(tokens: readonly number[]) {
    this.tokens = tokens;
  }
}

class MoonshineEngine implements Engine {
  readonly capabilities: RecogniserCapabilities = MOONSHINE_CAPABILITIES;
  readonly identity: RecogniserIdentity;
  readonly openDetector: (saved: unknown) => SpeechDetector;
  readonly #decoder: MoonshineDecoder;
  readonly #calibration: Calibration;

  constructor(
    identity: RecogniserIdentity,
    decoder: MoonshineDecoder,
    calibration: Calibration,
    openDetector: (saved: unknown) => SpeechDetector,
  ) {
    this.identity = identity;
    this.openDetector = openDetector;
    this.#decoder = decoder;
    this.#calibration = calibration;
  }

  /** @throws RangeError for a language that the model does not know, or for more than 30 s of audio. */
  async decode(audio: Float32Array, options: DecodeOptions): Promise<Hypothesis> {
    if (!this.capabilities.languages.includes(options.language)) {
      throw new RangeError(`${this.identity.engine} does not know the language "${options.language}"`);
    }
    if (audio.length > MAX_AUDIO_SECONDS * TIMELINE_RATE) {
      throw new RangeError(
        `${audio.length / TIMELINE_RATE} s of audio; one decode takes at most ${MAX_AUDIO_SECONDS} s`,
      );
    }
    // A draft's words have no times: they would cost their share of each draft, and the next one would move them.
    const isFinal = options.purpose === 'final';
    const { betweenSteps, seed } = options;
    const guess = !isFinal && seed instanceof Seed ? seed.tokens : [];
    const { tokens, attention } = await this.#decoder.decode(audio, { attention: isFinal, guess, betweenSteps });
    const hypothesis = toHypothesis(tokens, {
      confidenceOf: (logProbability) => calibrated(logProbability, this.#calibration),
      timesOf: (words) => (attention === null ? [] : wordTimes(attention, words, audio)),
    });
    if (hypothesis === NOTHING || (!isFinal && isInForeignScript(hypothesis.text))) return NOTHING;
    return { ...hypothesis, seed: new Seed(tokens.map(({ id }) => id)) };
  }
}
