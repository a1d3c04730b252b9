import { VerbatimError, type VerbatimClient } from '../../../src/client/index.ts';
import { TranscriptStore } from '../transcript/transcript-store.ts';
import { Store } from '../ui/store.ts';
import { PREFERRED_RATE } from './microphone.ts';
import type { Problem } from './problems.ts';
import { randomName } from './random-name.ts';

/** `ending`: it was stopped, and what was sent is transcribed. */
type FilePhase = 'idle' | 'reading' | 'sending' | 'ending' | 'over' | 'failed';

export interface FileState {
  readonly phase: FilePhase;
  readonly name: string;
  /** Global id; `null` before the server has answered. */
  readonly sessionId: string | null;
  /** Length of the audio, in milliseconds; 0 before it is known. */
  readonly totalMs: number;
  /** Of it, what the server has transcribed. */
  readonly doneMs: number;
  /** It was stopped before its end. */
  readonly isCutShort: boolean;
  readonly isReconnecting: boolean;
  readonly problem: Problem | null;
}

const IDLE: FileState = {
  phase: 'idle',
  name: '',
  sessionId: null,
  totalMs: 0,
  doneMs: 0,
  isCutShort: false,
  isReconnecting: false,
  problem: null,
};
const LOUDEST = 32_767;
/** Samples that are written at a time: a second. */
const PIECE = PREFERRED_RATE;

/** Transcribes an audio file of any kind that the browser can read. */
export class FileTranscription extends Store<FileState> {
  readonly transcript = new TranscriptStore();
  readonly #client: VerbatimClient;
  #stopping = new AbortController();

  /** @param client one that keeps nothing in the browser: the file is there to be dropped again */
  constructor(client: VerbatimClient) {
    super(IDLE);
    this.#client = client;
  }

  get isBusy(): boolean {
    return ['reading', 'sending', 'ending'].includes(this.get().phase);
  }

  async transcribe(file: File, language: string): Promise<void> {
    if (this.isBusy) return;
    this.transcript.clear();
    this.set({ ...IDLE, phase: 'reading', name: file.name });
    this.#stopping = new AbortController();
    try {
      const samples = await readSamples(file);
      this.#update({ phase: 'sending', totalMs: (samples.length / PREFERRED_RATE) * 1_000 });
      await this.#send(samples, file.name, language);
      const { isCutShort, doneMs, totalMs } = this.get();
      this.#update({ phase: 'over', doneMs: isCutShort ? doneMs : totalMs });
    } catch (error) {
      this.#update({ phase: 'failed', problem: problemOf(error) });
    }
  }

  /** Sends no more of it. What was sent is transcribed, and kept. */
  stop(): void {
    if (this.get().phase !== 'sending') return;
    this.#update({ phase: 'ending', isCutShort: true });
    this.#stopping.abort();
  }

  reset(): void {
    if (this.isBusy) return;
    this.transcript.clear();
    this.set(IDLE);
  }

  async #send(samples: Int16Array, title: string, language: string): Promise<void> {
    const audio = { encoding: 'PCM_S16LE', sampleRate: PREFERRED_RATE, channels: 1 } as const;
    const session = await this.#client.startSession({ externalId: randomName(), title, language, audio, live: false });
    session.on('interim', (segment) => this.transcript.receive(segment));
    session.on('final', (segment) => this.transcript.receive(segment));
    session.on('withdrawn', ({ id }) => this.transcript.withdraw(id));
    session.on('status', ({ acknowledgedMs, backlogMs, connection }) => {
      const doneMs = Math.max(this.get().doneMs, acknowledgedMs - backlogMs);
      this.#update({ sessionId: session.id, doneMs, isReconnecting: connection === 'reconnecting' });
    });
    const { signal } = this.#stopping;
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    for (let start = 0; start < samples.length && !signal.aborted; start += PIECE) {
      const { buffer, byteOffset, byteLength } = samples.subarray(start, start + PIECE);
      session.write(new Uint8Array(buffer, byteOffset, byteLength));
      await Promise.race([session.drained(), stopped]);
    }
    await session.end();
  }

  #update(change: Partial<FileState>): void {
    this.set({ ...this.get(), ...change });
  }
}

/** @returns one channel, the mean of all, at 16 kHz. @throws DOMException when the browser cannot read the file */
async function readSamples(file: File): Promise<Int16Array> {
  const bytes = await file.arrayBuffer();
  const decoded = await new OfflineAudioContext(1, 1, PREFERRED_RATE).decodeAudioData(bytes);
  const channels = Array.from({ length: decoded.numberOfChannels }, (_, index) => decoded.getChannelData(index));
  const mixed = new Int16Array(decoded.length);
  for (let i = 0; i < mixed.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i] ?? 0;
    mixed[i] = Math.round(Math.max(-1, Math.min(1, sum / channels.length)) * LOUDEST);
  }
  return mixed;
}

function problemOf(error: unknown): Problem {
  if (error instanceof DOMException) {
    return {
      title: 'This file cannot be read',
      advice:
        'The browser finds no audio in it that it knows. WAV, MP3, FLAC, Ogg and M4A files work in most browsers.',
    };
  }
  const advice = error instanceof Error ? error.message : String(error);
  const title =
    error instanceof VerbatimError && error.code === 'UNAUTHENTICATED'
      ? 'The server wants its token'
      : 'The file could not be transcribed';
  return { title, advice };
}
