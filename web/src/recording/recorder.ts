import {
  VerbatimError,
  type ChunkStore,
  type LiveSession,
  type LiveSessionStatus,
  type PendingSession,
  type VerbatimClient,
} from '../../../src/client/index.ts';
import { TranscriptStore } from '../transcript/transcript-store.ts';
import { Store } from '../ui/store.ts';
import { Microphone } from './microphone.ts';
import { MICROPHONE_LOST, microphoneProblem, type Problem } from './problems.ts';

/** `ending`: no more is recorded, and the rest is sent and transcribed. `over`: all of it is stored. */
export type RecorderPhase = 'idle' | 'starting' | 'recording' | 'paused' | 'ending' | 'over' | 'failed';

export interface RecorderState {
  readonly phase: RecorderPhase;
  readonly title: string | null;
  /** Global id; `null` before the server has answered. */
  readonly sessionId: string | null;
  readonly status: LiveSessionStatus | null;
  /** What keeps it from recording, or what it failed with. */
  readonly problem: Problem | null;
  /** What goes wrong at the moment and is tried again. */
  readonly setback: string | null;
}

export interface RecordingRequest {
  readonly title: string | null;
  /** BCP 47 tag. */
  readonly language: string;
  readonly deviceId: string | null;
}

const IDLE: RecorderState = {
  phase: 'idle',
  title: null,
  sessionId: null,
  status: null,
  problem: null,
  setback: null,
};
const BYTES_PER_SAMPLE = 2;
/**
 * Silence that is put where someone pauses, in milliseconds: longer than what ends an utterance, so that what was said
 * before is settled now, and does not run into what comes after.
 */
const PAUSE_SILENCE_MS = 1_200;
const ID_BYTES = 16;

/** One recording of this page at a time, from the microphone to the server. It goes on while other pages are looked at. */
export class Recorder extends Store<RecorderState> {
  readonly transcript = new TranscriptStore();
  readonly #client: VerbatimClient;
  readonly #kept: ChunkStore;
  #session: LiveSession | null = null;
  #microphone: Microphone | null = null;
  #sampleRate: number | null = null;

  readonly #onRefused: () => void;

  /** @param onRefused called when the server does not take the token */
  constructor(client: VerbatimClient, kept: ChunkStore, onRefused: () => void) {
    super(IDLE);
    this.#client = client;
    this.#kept = kept;
    this.#onRefused = onRefused;
  }

  /** Whether something would be cut off if the page went away now. */
  get isBusy(): boolean {
    return ['starting', 'recording', 'paused', 'ending'].includes(this.get().phase);
  }

  /** How loud it is, 0 to 1. */
  level(): number {
    return this.get().phase === 'recording' ? (this.#microphone?.level() ?? 0) : 0;
  }

  async start({ title, language, deviceId }: RecordingRequest): Promise<void> {
    if (this.isBusy) return;
    this.transcript.clear();
    this.#session = null;
    this.#sampleRate = null;
    this.set({ ...IDLE, phase: 'starting', title });
    // Chunks that come before the session is there: the microphone is asked first, since its rate is the session's.
    const early: Uint8Array[] = [];
    if (!(await this.#openMicrophone(deviceId, (samples) => early.push(samples)))) return;
    const sampleRate = this.#sampleRate ?? 0;
    const externalId = randomName();
    const audio = { encoding: 'PCM_S16LE', sampleRate, channels: 1 } as const;
    const session = await this.#client.startSession({ externalId, title, language, audio });
    this.#listen(session);
    for (const samples of early) session.write(samples);
    this.#update({ phase: 'recording' });
  }

  /** The microphone is let go of until `resume`. */
  async pause(): Promise<void> {
    if (this.get().phase !== 'recording') return;
    this.#update({ phase: 'paused' });
    await this.#closeMicrophone();
    this.#session?.write(
      new Uint8Array(Math.ceil((PAUSE_SILENCE_MS / 1_000) * (this.#sampleRate ?? 0)) * BYTES_PER_SAMPLE),
    );
  }

  async resume(deviceId: string | null): Promise<void> {
    if (this.get().phase !== 'paused') return;
    this.#update({ phase: 'starting', problem: null });
    if (await this.#openMicrophone(deviceId)) this.#update({ phase: 'recording' });
  }

  /** Records no more, and waits until all of it is sent, transcribed and stored. */
  async stop(): Promise<void> {
    if (!['recording', 'paused'].includes(this.get().phase)) return;
    this.#update({ phase: 'ending', problem: null });
    await this.#closeMicrophone();
    // How it ends is told by `finished`.
    await this.#session?.end().catch(() => undefined);
  }

  /** Recordings that an earlier page could not finish, and that no other tab is busy with. */
  async unfinished(): Promise<PendingSession[]> {
    return this.isBusy ? [] : this.#client.pendingSessions();
  }

  /** Takes an unfinished recording up where it was cut off: paused, to go on with, or to be stopped. */
  async takeUp(pending: PendingSession): Promise<void> {
    if (this.isBusy) return;
    this.transcript.clear();
    this.#sampleRate = pending.audio.sampleRate;
    this.set({ ...IDLE, phase: pending.isEnding ? 'ending' : 'paused', title: pending.title, sessionId: pending.id });
    try {
      this.#listen(await this.#client.resumeSession(pending.externalId));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Forgets what is kept of a recording: nothing more of it will be sent. */
  async discard({ externalId }: PendingSession): Promise<void> {
    const release = await this.#kept.claim(externalId);
    if (release === null) return;
    await this.#kept.remove(externalId).finally(release);
  }

  /** Ready for another recording. */
  reset(): void {
    if (this.isBusy) return;
    this.transcript.clear();
    this.set(IDLE);
  }

  #listen(session: LiveSession): void {
    this.#session = session;
    const mine = (change: () => void) => () => {
      if (this.#session === session) change();
    };
    session.on('interim', (segment) => this.transcript.receive(segment));
    session.on('final', (segment) => this.transcript.receive(segment));
    session.on('withdrawn', ({ id }) => this.transcript.withdraw(id));
    session.on('setback', ({ error }) => this.#update({ setback: error.message }));
    session.on('status', (status) => {
      const setback = status.connection === 'connected' ? null : this.get().setback;
      this.#update({ status, setback, sessionId: session.id });
    });
    void session.finished.then(
      mine(() => this.#update({ phase: 'over', status: session.status })),
      (error: unknown) => mine(() => this.#fail(error))(),
    );
  }

  /** @returns whether there is one now */
  async #openMicrophone(deviceId: string | null, onEarly: (samples: Uint8Array) => void = () => {}): Promise<boolean> {
    try {
      this.#microphone = await Microphone.open({
        deviceId,
        sampleRate: this.#sampleRate,
        onChunk: (samples) => {
          if (this.#session === null || this.get().phase === 'starting') onEarly(samples);
          else if (!['over', 'failed'].includes(this.get().phase)) this.#session.write(samples);
        },
        onLost: () => {
          void this.pause();
          this.#update({ problem: MICROPHONE_LOST });
        },
      });
      this.#sampleRate = this.#microphone.sampleRate;
      return true;
    } catch (error) {
      const phase = this.#session === null ? 'idle' : 'paused';
      this.#update({ phase, problem: microphoneProblem(error) });
      return false;
    }
  }

  async #closeMicrophone(): Promise<void> {
    const microphone = this.#microphone;
    this.#microphone = null;
    await microphone?.close();
  }

  #fail(error: unknown): void {
    void this.#closeMicrophone();
    if (error instanceof VerbatimError && error.code === 'UNAUTHENTICATED') this.#onRefused();
    this.#update({ phase: 'failed', problem: failure(error) });
  }

  #update(change: Partial<RecorderState>): void {
    this.set({ ...this.get(), ...change });
  }
}

function failure(error: unknown): Problem {
  const code = error instanceof VerbatimError ? error.code : '';
  const title =
    code === 'SESSION_IN_USE' ? 'Another tab is busy with this recording' : 'The recording could not be completed';
  return { title, advice: error instanceof Error ? error.message : String(error) };
}

/** `crypto.randomUUID` is not there on pages that are not secure. */
export function randomName(): string {
  return `web-${Array.from(crypto.getRandomValues(new Uint8Array(ID_BYTES)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
