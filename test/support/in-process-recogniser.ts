import { createResamplerTable } from '../../src/audio/resampler-table.ts';
import { DecodeQueue } from '../../src/recognition/decode-queue.ts';
import {
  RecognitionFailure,
  type RecognitionListener,
  type Recogniser,
  type RecognitionStream,
  type StreamOptions,
} from '../../src/recognition/recogniser.ts';
import { RecognitionSession } from '../../src/recognition/recognition-session.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';

/** The real streaming recognition with the scripted engine, in the test's own process, where it can be made to fail. */
export class InProcessRecogniser implements Recogniser {
  readonly #engine = createScriptedEngine({ faults: false });
  readonly #queue = new DecodeQueue(this.#engine);
  readonly #streams = new Map<RecognitionSession, RecognitionListener>();
  readonly capabilities = this.#engine.capabilities;
  readonly identity = this.#engine.identity;
  readonly ready = true;
  readonly capacity = null;

  start(): Promise<void> {
    return Promise.resolve();
  }

  openStream(options: StreamOptions, listener: RecognitionListener): RecognitionStream {
    const session = new RecognitionSession(options, listener, {
      engine: this.#engine,
      queue: this.#queue,
      settings: { interimIntervalMs: 500, endSilenceMs: 512 },
      table: createResamplerTable(options.format.sampleRate),
      warn: (message) => {
        throw new Error(message);
      },
    });
    this.#streams.set(session, listener);
    return session;
  }

  /** All streams fail, as they do when their process dies. */
  fail(): void {
    for (const [session, listener] of this.#streams) {
      session.close();
      listener.onFailure(new RecognitionFailure('the recogniser process died', 'process'));
    }
    this.#streams.clear();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
