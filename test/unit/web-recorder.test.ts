/// <reference types="vite/client" />
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  MemoryChunkStore,
  VerbatimClient,
  type ChunkStore,
  type LiveSession,
  type NewSession,
} from '../../src/client/index.ts';
import type { MicrophoneOptions } from '../../web/src/recording/microphone.ts';
import { MICROPHONE_LOST } from '../../web/src/recording/problems.ts';
import { Recorder, type RecorderPhase } from '../../web/src/recording/recorder.ts';
import { Gate } from '../support/gate.ts';
import { until } from '../support/wait.ts';

const RATE = 16_000;
const REQUEST = { title: null, language: 'en', deviceId: null };
const AUDIO = { encoding: 'PCM_S16LE', sampleRate: RATE, channels: 1 } as const;
/** What was heard is told apart by its first byte. */
const [SILENCE, SAID, FLUSHED, SAID_AFTERWARDS] = [0, 1, 2, 3];

/** Nobody listens there: what is written stays in the client, which tries on. */
const NOWHERE = 'http://127.0.0.1:1';

const sessions: LiveSession[] = [];
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.abandon()));
});

class WatchedClient extends VerbatimClient {
  /** First bytes of what sessions have taken, in order. */
  readonly written: (number | undefined)[] = [];

  constructor(chunkStore: ChunkStore) {
    super({ url: NOWHERE, webSocket: WebSocket, chunkStore });
  }

  override async startSession(request: NewSession): Promise<LiveSession> {
    return this.#watch(await super.startSession(request));
  }

  override async resumeSession(externalId: string): Promise<LiveSession> {
    return this.#watch(await super.resumeSession(externalId));
  }

  #watch(session: LiveSession): LiveSession {
    sessions.push(session);
    const write = session.write.bind(session);
    session.write = (bytes) => {
      write(bytes);
      this.written.push(bytes[0]);
    };
    return session;
  }
}

/** A browser's microphone: the person decides when it opens, and its last chunk comes when the audio thread has time. */
class TestMicrophone {
  readonly sampleRate = RATE;
  isLost: boolean;
  isClosed = false;
  readonly #options: MicrophoneOptions;
  readonly #flush: Gate;

  constructor(options: MicrophoneOptions, flush: Gate, isLost: boolean) {
    this.#options = options;
    this.#flush = flush;
    this.isLost = isLost;
  }

  hear(what: number | undefined): void {
    this.#options.onChunk(new Uint8Array(RATE / 10).fill(what ?? 0));
  }

  lose(): void {
    this.isLost = true;
    this.#options.onLost();
  }

  level(): number {
    return 0;
  }

  async close(): Promise<void> {
    await this.#flush.opened;
    this.hear(FLUSHED);
    this.isClosed = true;
  }
}

function openGate(): Gate {
  const gate = new Gate();
  gate.open();
  return gate;
}

function setUp(store: ChunkStore = new MemoryChunkStore()) {
  const client = new WatchedClient(store);
  const microphones: TestMicrophone[] = [];
  /** What the next microphone waits for, and what comes of it. */
  const next = { opening: openGate(), flush: openGate(), isAllowed: true, isLost: false };
  let asked = 0;
  const recorder = new Recorder(
    client,
    store,
    () => {},
    async (options) => {
      asked += 1;
      const { opening, flush, isAllowed, isLost } = next;
      await opening.opened;
      if (!isAllowed) throw new DOMException('No', 'NotAllowedError');
      const microphone = new TestMicrophone(options, flush, isLost);
      microphones.push(microphone);
      return microphone;
    },
  );
  const phases: RecorderPhase[] = [];
  recorder.subscribe(() => {
    const { phase } = recorder.get();
    if (phases.at(-1) !== phase) phases.push(phase);
  });
  const reaches = (phase: RecorderPhase) => until(() => recorder.get().phase === phase, { what: phase });
  return { client, microphones, next, recorder, phases, reaches, asked: () => asked };
}

describe('a recording', () => {
  it('has what was said up to a pause, then a silence, then what was said after it', async () => {
    const { client, microphones, next, recorder, asked } = setUp();
    next.flush = new Gate();
    await recorder.start(REQUEST);
    microphones[0]?.hear(SAID);
    const paused = recorder.pause();
    const resumed = recorder.resume(null);
    expect(recorder.get().phase).toBe('starting');
    expect(asked()).toBe(1);
    next.flush.open();
    await Promise.all([paused, resumed]);
    microphones[1]?.hear(SAID_AFTERWARDS);
    expect(client.written).toEqual([SAID, FLUSHED, SILENCE, SAID_AFTERWARDS]);
    expect(recorder.get().phase).toBe('recording');
  });

  it('has its last words when it is stopped while it pauses', async () => {
    const { client, microphones, next, recorder } = setUp();
    next.flush = new Gate();
    await recorder.start(REQUEST);
    microphones[0]?.hear(SAID);
    const paused = recorder.pause();
    const stopped = recorder.stop();
    next.flush.open();
    await paused;
    expect(client.written).toEqual([SAID, FLUSHED, SILENCE]);
    expect(recorder.get().phase).toBe('ending');
    await sessions[0]?.abandon();
    await stopped;
  });

  it('stays failed when it fails while it pauses', async () => {
    const { microphones, next, recorder, reaches } = setUp();
    next.flush = new Gate();
    await recorder.start(REQUEST);
    microphones[0]?.hear(SAID);
    const paused = recorder.pause();
    await sessions[0]?.abandon();
    await reaches('failed');
    next.flush.open();
    await paused;
    expect(recorder.get().phase).toBe('failed');
    expect(microphones[0]?.isClosed).toBe(true);
  });

  it.for([true, false])(
    'stays failed when it fails while the browser asks for the microphone, allowed: %s',
    async (isAllowed) => {
      const { microphones, next, recorder, reaches } = setUp();
      await recorder.start(REQUEST);
      await recorder.pause();
      next.opening = new Gate();
      next.isAllowed = isAllowed;
      const resumed = recorder.resume(null);
      await sessions[0]?.abandon();
      await reaches('failed');
      const { problem } = recorder.get();
      next.opening.open();
      await resumed;
      expect(recorder.get()).toMatchObject({ phase: 'failed', problem });
      expect(microphones.every(({ isClosed }) => isClosed)).toBe(true);
      expect(microphones).toHaveLength(isAllowed ? 2 : 1);
    },
  );

  it('says that the microphone is gone when it goes while it is opened', async () => {
    const { microphones, next, recorder, phases } = setUp();
    await recorder.start(REQUEST);
    microphones[0]?.lose();
    await until(() => microphones[0]?.isClosed);
    expect(recorder.get()).toMatchObject({ phase: 'paused', problem: MICROPHONE_LOST });
    next.isLost = true;
    phases.length = 0;
    await recorder.resume(null);
    expect(phases).toEqual(['starting', 'paused']);
    expect(recorder.get().problem).toBe(MICROPHONE_LOST);
    expect(microphones[1]?.isClosed).toBe(true);
  });

  it('does not begin with a microphone that is gone before it is open', async () => {
    const { microphones, next, recorder, phases } = setUp();
    next.isLost = true;
    await recorder.start(REQUEST);
    expect(phases).toEqual(['starting', 'idle']);
    expect(recorder.get().problem).toBe(MICROPHONE_LOST);
    expect(microphones[0]?.isClosed).toBe(true);
    expect(sessions).toEqual([]);
  });

  it('has what was heard of a microphone that goes before the recording is set up', async () => {
    const store = new MemoryChunkStore();
    const claim = store.claim.bind(store);
    const gate = new Gate();
    store.claim = (name) => gate.opened.then(() => claim(name));
    const { client, microphones, recorder, phases } = setUp(store);
    const started = recorder.start(REQUEST);
    (await until(() => microphones[0])).hear(SAID);
    microphones[0]?.lose();
    gate.open();
    await started;
    await until(() => client.written.at(-1) === SILENCE);
    expect(client.written).toEqual([SAID, FLUSHED, SILENCE]);
    expect(phases).toEqual(['starting', 'paused']);
  });

  it('says as long as it lasts that the browser keeps nothing', async () => {
    const store = new MemoryChunkStore();
    store.write = () => Promise.reject(new DOMException('There is no room', 'QuotaExceededError'));
    const { recorder } = setUp(store);
    await recorder.start(REQUEST);
    await until(() => !recorder.get().isKept);
    await until(() => recorder.get().status !== null && recorder.get().setback !== null);
    await recorder.pause();
    await recorder.resume(null);
    expect(recorder.get()).toMatchObject({ phase: 'recording', isKept: false });
  });
});

describe('a recording that was cut off', () => {
  it('is taken up when its session is there, and not before', async () => {
    const store = new MemoryChunkStore();
    const earlier = await new WatchedClient(store).startSession({ externalId: 'cut off', audio: AUDIO });
    earlier.write(new Uint8Array(RATE));
    await earlier.stored();
    await earlier.abandon();
    const { client, microphones, recorder, phases } = setUp(store);
    const [pending] = await recorder.unfinished();
    if (pending === undefined) throw new Error('nothing was kept');
    const takenUp = recorder.takeUp(pending);
    await recorder.resume(null);
    await recorder.stop();
    await takenUp;
    expect(phases).toEqual(['starting', 'paused']);
    await recorder.resume(null);
    microphones[0]?.hear(SAID);
    expect(client.written).toEqual([SAID]);
  });
});
