import workletUrl from './capture-worklet.ts?worker&url';

/** Hz, what the recogniser hears. */
export const PREFERRED_RATE = 16_000;
/** Hz, the highest that the server takes. */
const HIGHEST_RATE = 48_000;
/** How long the audio thread may take to hand over what it has left. */
const FLUSH_LIMIT_MS = 3_000;
/** For the level: about 50 ms at 16 kHz. */
const ANALYSED_SAMPLES = 1_024;

export interface MicrophoneOptions {
  /** As `enumerateDevices` names it; `null`: the system's own choice. */
  readonly deviceId: string | null;
  /** Hz that it must have; `null`: 16 kHz, or what the device has where the browser cannot convert. */
  readonly sampleRate: number | null;
  /** 16-bit samples, about 100 ms. */
  readonly onChunk: (samples: Uint8Array) => void;
  /** It was unplugged, or the permission was taken away. */
  readonly onLost: () => void;
}

/** An open microphone. */
export class Microphone {
  readonly sampleRate: number;
  readonly #stream: MediaStream;
  readonly #context: AudioContext;
  readonly #analyser: AnalyserNode;
  readonly #worklet: AudioWorkletNode;
  readonly #analysed = new Float32Array(ANALYSED_SAMPLES);
  #isFlushed = false;

  private constructor(stream: MediaStream, context: AudioContext, source: AudioNode, options: MicrophoneOptions) {
    this.sampleRate = context.sampleRate;
    this.#stream = stream;
    this.#context = context;
    this.#analyser = new AnalyserNode(context, { fftSize: ANALYSED_SAMPLES });
    this.#worklet = new AudioWorkletNode(context, 'capture', {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    this.#worklet.port.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | null>) => {
      if (data === null) this.#isFlushed = true;
      // What it hears between the last chunk and its end is no part of the recording.
      else if (!this.#isFlushed) options.onChunk(new Uint8Array(data));
    });
    this.#worklet.port.start();
    source.connect(this.#analyser);
    source.connect(this.#worklet);
    for (const track of stream.getTracks()) track.addEventListener('ended', options.onLost, { once: true });
  }

  /** @throws DOMException as `getUserMedia` does: `NotAllowedError`, `NotFoundError`, `NotReadableError`, … */
  static async open(options: MicrophoneOptions): Promise<Microphone> {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        ...(options.deviceId !== null && { deviceId: { exact: options.deviceId } }),
        channelCount: 1,
        // They are made for calls, and take away what a recogniser can use.
        echoCancellation: false,
        noiseSuppression: false,
      },
    });
    try {
      const { context, source } = await listen(stream, options.sampleRate);
      await addCapture(context);
      await context.resume();
      return new Microphone(stream, context, source, options);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  }

  /** Whether it was unplugged, or its permission taken away, also before anyone listened for that. */
  get isLost(): boolean {
    return this.#stream.getTracks().some(({ readyState }) => readyState === 'ended');
  }

  /** How loud it is now: the highest sample of the last moment, 0 to 1. */
  level(): number {
    this.#analyser.getFloatTimeDomainData(this.#analysed);
    let highest = 0;
    for (const sample of this.#analysed) highest = Math.max(highest, Math.abs(sample));
    return Math.min(1, highest);
  }

  /** Resolves when the last chunk was given. The browser's sign that it listens goes out. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#worklet.port.addEventListener('message', ({ data }) => data === null && resolve());
      this.#worklet.port.postMessage('flush');
      setTimeout(resolve, FLUSH_LIMIT_MS);
    });
    this.#isFlushed = true;
    for (const track of this.#stream.getTracks()) track.stop();
    await this.#context.close();
  }
}

async function addCapture(context: AudioContext): Promise<void> {
  try {
    await context.audioWorklet.addModule(workletUrl);
  } catch (cause) {
    // As an `AbortError`, it would be blamed on the microphone.
    throw new Error('Nothing is wrong with it: the server does not answer. Start again when it does.', { cause });
  }
}

/** A context at the wanted rate; or, where the browser cannot convert to it (Firefox), at the device's own. */
async function listen(
  stream: MediaStream,
  sampleRate: number | null,
): Promise<{ context: AudioContext; source: MediaStreamAudioSourceNode }> {
  const rates = sampleRate === null ? [PREFERRED_RATE, undefined, HIGHEST_RATE] : [sampleRate];
  let failure: unknown;
  for (const rate of rates) {
    const context = new AudioContext(rate === undefined ? {} : { sampleRate: rate });
    try {
      const source = context.createMediaStreamSource(stream);
      if (context.sampleRate <= HIGHEST_RATE) return { context, source };
    } catch (error) {
      failure = error;
    }
    await context.close();
  }
  throw failure ?? new DOMException('No rate of this microphone will do', 'NotSupportedError');
}
