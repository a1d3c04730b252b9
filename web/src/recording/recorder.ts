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
import { Microphone, type MicrophoneOptions } from './microphone.ts';
import { MICROPHONE_LOST, microphoneProblem, type Problem } from './problems.ts';
import { randomName } from './random-name.ts';

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
  /** Whether audio is kept in this browser until the server has it; if not, it lasts as long as the page. */
  readonly isKept: boolean;
}

export interface RecordingRequest {
  readonly title: string | null;
  /** BCP 47 tag. */
  readonly language: string;
  readonly deviceId: string | null;
}

export type OpenMicrophone = (
  options: MicrophoneOptions,
) => Promise<Pick<Microphone, 'sampleRate' | 'isLost' | 'level' | 'close'>>;

const IDLE: RecorderState = {
  phase: 'idle',
  title: null,
  sessionId: null,
  status: null,
  problem: null,
  setback: null,
  isKept: true,
};
const BYTES_PER_SAMPLE = 2;
/**
 * Silence that is put where someone pauses, in milliseconds: longer than what ends an utterance, so that what was said
 * before is settled now, and does not run into what comes after.
 */
const PAUSE_SILENCE_MS = 1_200;

/** One recording of this page at a time, from the microphone to the server. It goes on while other pages are looked at. */
export class Recorder extends Store<RecorderState> {
  readonly transcript = new TranscriptStore();
  readonly #client: VerbatimClient;
  readonly #kept: ChunkStore;
  readonly #onRefused: () => void;
  readonly #open: OpenMicrophone;
  #session: LiveSession | null = null;
  #microphone: Awaited<ReturnType<OpenMicrophone>> | null = null;
  #sampleRate: number | null = null;
  /** Resolves when all that was heard before the last pause is written, and the silence behind it. */
  #pausing: Promise<void> = Promise.resolve();

  /** @param onRefused called when the server does not take the token */
  constructor(
    client: VerbatimClient,
    kept: ChunkStore,
    onRefused: () => void,
    open: OpenMicrophone = (options) => Microphone.open(options),
  ) {
    super(IDLE);
    this.#client = client;
    this.#kept = kept;
    this.#onRefused = onRefused;
    this.#open = open;
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
    let session: LiveSession | null = null;
    const isOpen = await this.#openMicrophone(null, deviceId, (samples) => {
      if (session === null) early.push(samples);
      else record(session, samples);
    });
    if (!isOpen) return;
    const sampleRate = this.#sampleRate ?? 0;
    const externalId = randomName();
    const audio = { encoding: 'PCM_S16LE', sampleRate, channels: 1 } as const;
    try {
      session = await this.#client.startSession({ externalId, title, language, audio });
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#listen(session);
    for (const samples of early) record(session, samples);
    this.#hear();
  }

  /** The microphone is let go of until `resume`. */
  async pause(): Promise<void> {
    if (this.get().phase === 'recording') await this.#pause();
  }

  async resume(deviceId: string | null): Promise<void> {
    if (this.get().phase !== 'paused') return;
    const session = this.#session;
    if (session === null) return;
    this.#update({ phase: 'starting', problem: null });
    await this.#pausing;
    if (await this.#openMicrophone(session, deviceId, (samples) => record(session, samples))) this.#hear();
  }

  /** Records no more, and waits until all of it is sent, transcribed and stored. */
  async stop(): Promise<void> {
    if (!['recording', 'paused'].includes(this.get().phase)) return;
    const session = this.#session;
    this.#update({ phase: 'ending', problem: null });
    await this.#pausing;
    await this.#closeMicrophone();
    // How it ends is told by `finished`.
    await session?.end().catch(() => undefined);
  }

  /** Recordings that an earlier page could not finish, and that no other tab is busy with. */
  async unfinished(): Promise<PendingSession[]> {
    return this.isBusy ? [] : this.#client.pendingSessions();
  }

  /** Takes an unfinished recording up where it was cut off: paused, to go on with, or to be stopped. */
  async takeUp(pending: PendingSession): Promise<void> {
    if (this.isBusy) return;
    this.transcript.clear();
    this.#session = null;
    this.#sampleRate = pending.audio.sampleRate;
    this.set({ ...IDLE, phase: 'starting', title: pending.title, sessionId: pending.id });
    try {
      this.#listen(await this.#client.resumeSession(pending.externalId));
      this.#update({ phase: pending.isEnding ? 'ending' : 'paused' });
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
    const mine =
      <Event>(change: (event: Event) => void) =>
      (event: Event) => {
        if (this.#session === session) change(event);
      };
    session.on(
      'interim',
      mine((segment) => this.transcript.receive(segment)),
    );
    session.on(
      'final',
      mine((segment) => this.transcript.receive(segment)),
    );
    session.on(
      'edited',
      mine((segment) => this.transcript.receive(segment)),
    );
    session.on(
      'withdrawn',
      mine(({ id }) => this.transcript.withdraw(id)),
    );
    session.on(
      'setback',
      mine(({ error, retryInMs }) => this.#update(retryInMs === null ? { isKept: false } : { setback: error.message })),
    );
    session.on(
      'status',
      mine((status) => {
        const setback = status.connection === 'connected' ? null : this.get().setback;
        this.#update({ status, setback, sessionId: session.id });
      }),
    );
    void session.finished.then(
      mine(() => this.#update({ phase: 'over', status: session.status })),
      mine((error: unknown) => this.#fail(error)),
    );
  }

  /**
   * For a session that failed while the browser asked, it is closed again.
   * @param session `null`: it is still to be started
   * @returns whether there is one now
   */
  async #openMicrophone(
    session: LiveSession | null,
    deviceId: string | null,
    onChunk: (samples: Uint8Array) => void,
  ): Promise<boolean> {
    const isWanted = () => this.#session === session && this.get().phase === 'starting';
    if (!isWanted()) return false;
    let problem: Problem;
    try {
      const microphone = await this.#open({
        deviceId,
        sampleRate: this.#sampleRate,
        onChunk,
        onLost: () => {
          if (this.get().phase === 'recording') void this.#pause(MICROPHONE_LOST);
        },
      });
      if (isWanted() && !microphone.isLost) {
        this.#microphone = microphone;
        this.#sampleRate = microphone.sampleRate;
        return true;
      }
      await microphone.close();
      problem = MICROPHONE_LOST;
    } catch (error) {
      problem = microphoneProblem(error);
    }
    if (isWanted()) this.#update({ phase: session === null ? 'idle' : 'paused', problem });
    return false;
  }

  /** The microphone is open; it may have gone away again since. */
  #hear(): void {
    if (this.get().phase !== 'starting') return;
    if (this.#microphone?.isLost === false) this.#update({ phase: 'recording' });
    else void this.#pause(MICROPHONE_LOST);
  }

  #pause(problem: Problem | null = null): Promise<void> {
    this.#update({ phase: 'paused', problem });
    this.#pausing = this.#finishPause();
    return this.#pausing;
  }

  async #finishPause(): Promise<void> {
    const session = this.#session;
    const samples = Math.ceil((PAUSE_SILENCE_MS / 1_000) * (this.#sampleRate ?? 0));
    await this.#closeMicrophone();
    if (session !== null) record(session, new Uint8Array(samples * BYTES_PER_SAMPLE));
  }

  async #closeMicrophone(): Promise<void> {
    const microphone = this.#microphone;
    this.#microphone = null;
    // One that cannot be closed has nothing left to give, and keeps no session from its end.
    await microphone?.close().catch(() => undefined);
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

/** A session that has failed takes nothing more: what it failed with is told by `finished`. */
function record(session: LiveSession, samples: Uint8Array): void {
  try {
    session.write(samples);
  } catch (error) {
    if (!(error instanceof VerbatimError)) throw error;
  }
}
