import { normaliseFormat, sameFormat, type AudioFormat } from '../audio/format.ts';
import { MemoryChunkStore, type ChunkStore, type SessionRequest } from './chunk-store.ts';
import type { WebSocketImplementation } from './connection.ts';
import { VerbatimError } from './errors.ts';
import { DEFAULT_LIMITS, type ClientLimits } from './limits.ts';
import { LiveSession, storeFailed } from './live-session.ts';
import type { KeptRecording } from './recording.ts';
import type { LastFinal } from './segment-order.ts';

export interface VerbatimClientOptions {
  /** The server, for example `https://captions.example`, or its GraphQL endpoint. */
  readonly url: string | URL;
  /** The server's `AUTH_TOKEN`; a function is asked for each connection. */
  readonly token?: string | null | (() => string | null | Promise<string | null>);
  /** By default the global one; for Node before 22 that of the package `ws`. */
  readonly webSocket?: WebSocketImplementation;
  /** Where audio is kept until it is acknowledged; by default in memory. */
  readonly chunkStore?: ChunkStore;
  readonly limits?: Partial<ClientLimits>;
  /** For tests: from 0 to 1, like `Math.random`. */
  readonly random?: () => number;
}

export interface NewSession {
  /**
   * The recording's own name, 1 to 200 characters, unique among all sessions of the server; by default a UUID. Asked for a
   * second time, the server gives the same session, as long as it is open.
   */
  readonly externalId?: string;
  /** For people. */
  readonly title?: string | null;
  /** BCP 47 tag of what will be spoken; by default `en`. */
  readonly language?: string;
  /** Of all audio that will be written, samples or a container; two channels are transcribed separately. */
  readonly audio: AudioFormat;
  /** By channel, who speaks there: `Segment.speaker` gives it back; `null` or missing where it is not known. */
  readonly speakers?: readonly (string | null)[];
  /** Any JSON up to 16 KiB. */
  readonly metadata?: unknown;
  /**
   * Whether the audio comes into being now. Live audio is never held back; with `false`, the session waits for a recogniser
   * that is too far behind, and its stream `audio` makes the source wait. By default true.
   */
  readonly live?: boolean;
}

export interface ResumeOptions {
  /** Cursor of the last final that the program still has; by default all finals are given again from the first. */
  readonly after?: string | null;
  /** See `NewSession`. */
  readonly live?: boolean;
}

/** A recording that was cut off before all of it was acknowledged, or before its session was completed. */
export interface PendingSession {
  readonly externalId: string;
  /** Global id of the session; `null` when the server has not answered the start. */
  readonly id: string | null;
  readonly title: string | null;
  readonly language: string;
  readonly audio: AudioFormat;
  /** `end` had been called: resumed, it ends by itself. */
  readonly isEnding: boolean;
  /** Of the last final that was given to the program. */
  readonly cursor: string | null;
}

/** Streams audio to a Verbatim server and gets its words, so that neither is lost. */
export class VerbatimClient {
  readonly #options: VerbatimClientOptions;
  readonly #url: URL;
  readonly #store: ChunkStore;
  readonly #limits: ClientLimits;

  /** @throws TypeError when `url` is none, or when there is no WebSocket to use */
  constructor(options: VerbatimClientOptions) {
    if (options.webSocket === undefined && !('WebSocket' in globalThis)) {
      throw new TypeError('This platform has no WebSocket: pass one, for example that of the package "ws".');
    }
    this.#options = options;
    this.#url = new URL(options.url);
    if (this.#url.pathname === '/') this.#url.pathname = '/graphql';
    this.#store = options.chunkStore ?? new MemoryChunkStore();
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  /**
   * Begins a recording. It does not wait for the server: audio may be written at once, and is sent when there is a connection;
   * `started` tells when the server has begun the session.
   * @throws VerbatimError `SESSION_IN_USE` when this client, or another tab, has a session of this `externalId` under way;
   *   `SESSION_CONFLICT` when the chunk store has a recording of this name in another format
   */
  async startSession(session: NewSession): Promise<LiveSession> {
    const request: SessionRequest = {
      externalId: session.externalId ?? crypto.randomUUID(),
      title: session.title ?? null,
      language: session.language ?? 'en',
      audio: normaliseFormat(session.audio),
      ...(session.speakers !== undefined && { speakers: session.speakers }),
      metadata: session.metadata ?? null,
    };
    const isLive = session.live ?? true;
    let kept: KeptRecording | null;
    let release: () => void;
    try {
      ({ kept, release } = await this.#claim(request.externalId));
    } catch (error) {
      if (!(error instanceof VerbatimError) || error.code !== 'STORE_FAILED') throw error;
      return this.#open(request, null, { isLive, storeFailure: error });
    }
    if (kept !== null && !sameFormat(kept.recording.request.audio, request.audio)) {
      release();
      throw new VerbatimError('SESSION_CONFLICT', 'a recording of this name in another audio format was cut off');
    }
    return this.#open(kept?.recording.request ?? request, kept, { isLive, release });
  }

  /** The recordings in the chunk store that were cut off, and that nobody has resumed. */
  async pendingSessions(): Promise<PendingSession[]> {
    const recordings = await this.#store.unclaimed();
    return recordings.map(({ externalId, sessionId, request, isEnding, lastFinal }) => ({
      externalId,
      id: sessionId,
      title: request.title,
      language: request.language,
      audio: request.audio,
      isEnding,
      cursor: lastFinal?.cursor ?? null,
    }));
  }

  /**
   * Goes on with a recording that was cut off: sends what is left of it; more may be written.
   * @throws VerbatimError `NOT_STORED`, `SESSION_IN_USE` or `STORE_FAILED`
   */
  async resumeSession(externalId: string, { after = null, live = true }: ResumeOptions = {}): Promise<LiveSession> {
    const { kept, release } = await this.#claim(externalId);
    if (kept === null) {
      release();
      throw new VerbatimError('NOT_STORED', `there is no recording ${externalId} in the chunk store`);
    }
    const known = kept.recording.lastFinal;
    const endsMs = known?.cursor === after ? known.endsMs : [];
    const lastFinal = after === null ? null : { cursor: after, endsMs };
    return this.#open(kept.recording.request, kept, { isLive: live, release, lastFinal });
  }

  async #claim(externalId: string): Promise<{ kept: KeptRecording | null; release: () => void }> {
    const release = await this.#store.claim(externalId).catch((cause: unknown) => {
      throw storeFailed(cause);
    });
    if (release === null) {
      throw new VerbatimError('SESSION_IN_USE', `the recording ${externalId} is under way already`);
    }
    try {
      return { kept: await this.#store.read(externalId), release };
    } catch (cause) {
      release();
      throw storeFailed(cause);
    }
  }

  #open(
    request: SessionRequest,
    kept: KeptRecording | null,
    how: {
      readonly isLive: boolean;
      readonly release?: () => void;
      readonly lastFinal?: LastFinal | null;
      readonly storeFailure?: VerbatimError;
    },
  ): LiveSession {
    const { token = null, webSocket, random = Math.random } = this.#options;
    const release = how.release ?? (() => {});
    try {
      return new LiveSession(request, kept, {
        url: this.#url,
        token: typeof token === 'function' ? token : () => token,
        webSocket,
        random,
        limits: this.#limits,
        store: how.storeFailure === undefined ? this.#store : new MemoryChunkStore(),
        release,
        isLive: how.isLive,
        lastFinal: how.lastFinal ?? null,
        storeFailure: how.storeFailure ?? null,
      });
    } catch (error) {
      release();
      throw error;
    }
  }
}
