import { createResamplerTable } from '../../src/audio/resampler-table.ts';
import { DecodeQueue } from '../../src/recognition/decode-queue.ts';
import type { Engine } from '../../src/recognition/engine.ts';
import {
  RecognitionFailure,
  type FailureBlame,
  type RecognitionListener,
  type Recogniser,
  type RecognitionStream,
  type StreamOptions,
} from '../../src/recognition/recogniser.ts';
import { RecognitionSession } from '../../src/recognition/recognition-session.ts';
import { createScriptedEngine } from '../../src/recognition/scripted/scripted-engine.ts';
import type { ToneWord } from '../../src/recognition/scripted/tone-words.ts';

/** What streams share that a recogniser process would hold. */
interface PretendedProcess {
  readonly engine: Engine;
  readonly queue: DecodeQueue;
  readonly streams: Map<RecognitionSession, RecognitionListener>;
}

/** The real streaming recognition with the scripted engine, in the test's own process, where it can be made to fail. */
export class InProcessRecogniser implements Recogniser {
  readonly #scripted = createScriptedEngine({ faults: false });
  /** Those that have a stream, and the shared one. */
  readonly #processes = new Set<PretendedProcess>();
  #shared = this.#newProcess();
  readonly capabilities = this.#scripted.capabilities;
  readonly identity = this.#scripted.identity;
  readonly ready = true;
  capacity: number | null = null;
  /** Streams that were asked for, in order. */
  readonly opened: StreamOptions[] = [];
  /** A word that, decoded for a final, ends the process: all streams of the process fail. */
  poison: ToneWord | null = null;

  start(): Promise<void> {
    return Promise.resolve();
  }

  openStream(options: StreamOptions, listener: RecognitionListener): RecognitionStream {
    this.opened.push(options);
    const process = options.isolated ? this.#newProcess() : this.#shared;
    const session = new RecognitionSession(options, listener, {
      engine: process.engine,
      queue: process.queue,
      settings: { interimIntervalMs: 500, endSilenceMs: 512 },
      table: createResamplerTable(options.format.sampleRate),
      now: () => performance.now(),
      warn: (message) => {
        throw new Error(message);
      },
    });
    process.streams.set(session, listener);
    return session;
  }

  /** All streams fail, as they do when their processes die. */
  fail(blame: FailureBlame = 'process'): void {
    const all = new Set(this.#processes);
    for (const process of all) this.#end(process, blame);
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  #newProcess(): PretendedProcess {
    const scripted = this.#scripted;
    const engine: Engine = {
      ...scripted,
      decode: async (audio, options) => {
        const hypothesis = await scripted.decode(audio, options);
        const isPoisoned = this.poison !== null && hypothesis.text.split(' ').includes(this.poison);
        if (options.purpose === 'interim' || !isPoisoned) return hypothesis;
        this.#end(process, 'process');
        return new Promise<never>(() => {});
      },
    };
    const process: PretendedProcess = { engine, queue: new DecodeQueue(engine), streams: new Map() };
    this.#processes.add(process);
    return process;
  }

  #end(process: PretendedProcess, blame: FailureBlame): void {
    this.#processes.delete(process);
    if (process === this.#shared) this.#shared = this.#newProcess();
    for (const [session, listener] of process.streams) {
      session.close();
      listener.onFailure(new RecognitionFailure('the recogniser process died', blame));
    }
  }
}
