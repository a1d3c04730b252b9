import { setTimeout as delay } from 'node:timers/promises';
import { isContainer } from '../audio/format.ts';
import type { Decision, FailureBlame, Recogniser, RecognitionStream, ResumePoint } from '../recognition/recogniser.ts';
import { ArrivalTimes } from './arrival-times.ts';
import { entryOf, sampleOf, WithheldAudio } from './decision-entries.ts';
import type { AudioEvidence, JournalEntry } from './journal-entry.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';
import { RecognitionAttempts, type AttemptMode } from './recognition-attempts.ts';
import { readPackets, type TimelineReader } from './packet-reader.ts';
import { primaryLanguage } from './session-request.ts';
import { Signal } from './signal.ts';

/** Seconds of audio that may be with the recogniser without having been worked through: bounds its memory per session. */
const WINDOW_SECONDS = 60;
/** The same while it is tried alone: no more than this is given up beyond what it fails on. */
const ISOLATED_WINDOW_SECONDS = 5;
/** Chunks are given to the recogniser together when it is behind, up to so many seconds: a message costs more than its bytes. */
const RUN_SECONDS = 1;
/** Audio shorter than this can't be heard before more comes or the session ends, in seconds. */
const UNHEARD_SECONDS = 0.2;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

export interface TranscriptionParts {
  readonly session: OpenSession;
  readonly recogniser: Recogniser;
  readonly logger: Logger;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** A final is in the journal. */
  readonly onFinal: (session: OpenSession) => void;
  /** The journal has its end: everything that was received is decided. */
  readonly onEnded: (session: OpenSession) => void;
}

/**
 * Carries one session's audio from its log to the recogniser, and what the recogniser decides into the journal.
 *
 * It keeps nothing that matters: when the recogniser's process dies, or this one, it goes on from the journal's last resume
 * point by reading the audio log again from there.
 */
export class Transcription {
  readonly #parts: TranscriptionParts;
  #stream: RecognitionStream | null = null;
  /** Rises with every stream, so that a late event of an abandoned one is not taken for the present one's. */
  #generation = 0;
  readonly #stopping = new AbortController();
  readonly #attempts = new RecognitionAttempts();
  readonly #withheld: WithheldAudio;
  readonly #arrivals: ArrivalTimes;
  /** Items of the audio log that begin before this frame are not given to the recogniser: it fails on them each time. */
  #omitBeforeFrame = 0;
  /** Behind the last audio that the present stream was given. */
  #writtenFrame = 0;
  /** Decisions are journalled one after the other, in the order in which they were made. */
  #journalling: Promise<void> = Promise.resolve();
  readonly #news = new Signal();
  /** Source frame at which the present stream was told to end. */
  #endFrame = 0;
  readonly #unsubscribe: () => void;

  constructor(parts: TranscriptionParts) {
    this.#parts = parts;
    const { audio, record } = parts.session;
    this.#withheld = new WithheldAudio(record.audioFormat.sampleRate);
    this.#arrivals = new ArrivalTimes(record.audioFormat.sampleRate, audio.receivedFrames, parts.now());
    this.#unsubscribe = audio.onDurable(() => {
      this.#arrivals.note(audio.receivedFrames, parts.now());
      this.#news.notify();
    });
    this.#open('shared', audio.receivedFrames > 0);
  }

  /**
   * Resolves when everything that was received has been worked through and journalled (an utterance that is still open stays
   * open), or when `signal` gives up waiting.
   */
  async untilCaughtUp(signal: AbortSignal): Promise<void> {
    const giveUp = () => this.#news.notify();
    signal.addEventListener('abort', giveUp, { once: true });
    while (!signal.aborted && !this.#stopping.signal.aborted && !this.#isCaughtUp) await this.#news.next();
    signal.removeEventListener('abort', giveUp);
  }

  /** Abandons the stream. The session goes on from the end of its journal at the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#unsubscribe();
    this.#abandonStream();
    this.#news.notify();
    await this.#journalling;
  }

  get #isCaughtUp(): boolean {
    const { audio, processedFrames, state, record } = this.#parts.session;
    if (audio.end !== null) return state.ended !== null;
    return audio.receivedFrames - processedFrames <= record.audioFormat.sampleRate * UNHEARD_SECONDS;
  }

  #open(mode: AttemptMode, draftsShown: boolean): void {
    const { session, recogniser } = this.#parts;
    const generation = ++this.#generation;
    const resume = session.state.resume;
    const fromFrame = resume?.readFromFrame ?? 0;
    session.progressed(fromFrame);
    const isCurrent = () => generation === this.#generation && !this.#stopping.signal.aborted;
    const stream = recogniser.openStream(
      {
        sessionId: session.id,
        format: session.record.audioFormat,
        language: primaryLanguage(session.record.language),
        resume,
        draftsShown,
        isolated: mode !== 'shared',
        skipFirstUtterance: mode === 'skip',
      },
      {
        onInterim: (interim) => {
          if (isCurrent()) this.#then(() => isCurrent() && session.showInterim(interim, new Date()));
        },
        onDecision: (decision) => {
          if (isCurrent()) this.#then(() => (isCurrent() ? this.#journal(decision) : undefined));
        },
        onProgress: (frame) => {
          // Behind the decisions that came before it: a journal that can't be written holds up the audio, too.
          this.#then(() => {
            if (!isCurrent()) return;
            session.progressed(frame);
            this.#news.notify();
          });
        },
        onEnded: (resumeAfter) => {
          if (isCurrent()) this.#then(() => (isCurrent() ? this.#end(resumeAfter) : undefined));
        },
        onFailure: (failure) => {
          if (isCurrent()) this.#reopenAfter(failure, failure.blame);
        },
      },
    );
    this.#stream = stream;
    this.#writtenFrame = fromFrame;
    const windowSeconds = mode === 'shared' ? WINDOW_SECONDS : ISOLATED_WINDOW_SECONDS;
    this.#pump(stream, this.#readerFrom(fromFrame), windowSeconds, isCurrent).catch((error: unknown) => {
      // The audio log could not be read, which the recogniser has nothing to do with.
      if (isCurrent()) this.#reopenAfter(error, 'outside');
    });
  }

  #readerFrom(frame: number): TimelineReader {
    const { audio, record } = this.#parts.session;
    const { audioFormat } = record;
    if (isContainer(audioFormat)) return readPackets(audio, audioFormat, frame);
    const samples = audio.reader(frame);
    const runFrames = audioFormat.sampleRate * RUN_SECONDS;
    // Audio that is given up ends where a chunk does: a run across that would give up more.
    return { next: () => (this.#writtenFrame < this.#omitBeforeFrame ? samples.next() : samples.nextRun(runFrames)) };
  }

  /** Hands the log's audio to the stream as fast as the recogniser works, until the session's end or the stream's. */
  async #pump(
    stream: RecognitionStream,
    reader: TimelineReader,
    windowSeconds: number,
    isCurrent: () => boolean,
  ): Promise<void> {
    const { session } = this.#parts;
    const windowFrames = session.record.audioFormat.sampleRate * windowSeconds;
    while (isCurrent()) {
      const news = this.#news.next();
      const item = await reader.next();
      if (!isCurrent()) return;
      if (item === null) {
        await news;
        continue;
      }
      if (item.kind === 'end') {
        // One that more audio followed is in the journal: a session opens again only after it was completed.
        if (session.audio.end === null || item.startFrame < session.audio.receivedFrames) continue;
        this.#endFrame = item.startFrame;
        stream.end();
        return;
      }
      const { startFrame, frames } = item;
      if (item.kind === 'chunk' && startFrame >= this.#omitBeforeFrame) stream.writeAudio(startFrame, item.bytes);
      else {
        if (item.kind !== 'skip') this.#withheld.add(startFrame, frames);
        stream.writeGap(startFrame, frames);
      }
      this.#writtenFrame = startFrame + frames;
      if (item.kind === 'chunk') await this.#untilWithinWindow(this.#writtenFrame - windowFrames, isCurrent);
    }
  }

  async #untilWithinWindow(frame: number, isCurrent: () => boolean): Promise<void> {
    while (isCurrent() && this.#parts.session.processedFrames < frame) await this.#news.next();
  }

  async #journal(decision: Decision): Promise<void> {
    const { session, now, onFinal } = this.#parts;
    const sequence = session.state.lastSequence + 1;
    const entry = await this.#append(() =>
      entryOf(decision, {
        sequence,
        audio: this.#evidence,
        withheld: this.#withheld,
        at: new Date(),
        latencyMs: decision.kind === 'final' ? this.#arrivals.msSince(decision.transcript.endSample, now()) : null,
      }),
    );
    this.#arrivals.forgetBefore(decision.resume.readFromFrame);
    this.#pass(entry, decision);
    if (decision.kind === 'final') onFinal(session);
  }

  /** What the recogniser had failed on before is behind it now. */
  #pass(entry: JournalEntry, decision: Decision): void {
    const { session, logger } = this.#parts;
    if (entry.type === 'failed') {
      const line = { sessionId: session.id, startSample: entry.startSample, endSample: entry.endSample };
      // What is no audio was no better when it was sent.
      if (decision.kind === 'gap' && decision.isUndecodable) logger.warn(line, 'audio not decoded');
      else logger.error(line, 'audio not transcribed');
    }
    if (this.#attempts.failures === 0) return;
    const { mode } = this.#attempts;
    this.#attempts.passed();
    // What comes is tried like any other audio again, among the others.
    if (mode !== 'shared') this.#reopen('shared', 0);
  }

  get #evidence(): AudioEvidence {
    const { nextSequence, receivedFrames } = this.#parts.session.audio;
    return { nextSequence, receivedFrames };
  }

  async #end(resume: ResumePoint): Promise<void> {
    const { session, onEnded } = this.#parts;
    await this.#append(() => ({
      type: 'ended',
      reason: session.endReason ?? 'FAILURE',
      at: (session.audio.end?.at ?? new Date()).toISOString(),
      decidedSample: sampleOf(this.#endFrame, session.record.audioFormat.sampleRate),
      resume,
      audio: this.#evidence,
    }));
    this.#news.notify();
    onEnded(session);
  }

  /**
   * Journals until it succeeds: a decision that is not in the journal must never be passed over.
   * @param makeEntry is asked for each attempt, since an entry tells when it was written
   * @returns the entry that is in the journal
   */
  async #append(makeEntry: () => JournalEntry): Promise<JournalEntry> {
    const { session, logger } = this.#parts;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const entry = makeEntry();
      try {
        await session.journal.append(entry);
        session.journalFailingSince = null;
        session.apply(entry);
        return entry;
      } catch (error) {
        session.journalFailingSince ??= performance.now();
        logger.error(
          { sessionId: session.id, entry: entry.type, retryInMs: pause, err: error },
          'journal write failed',
        );
        await delay(pause, undefined, { signal: this.#stopping.signal });
      }
    }
  }

  /** The recogniser lost the stream: a new one goes on from the end of the journal. */
  #reopenAfter(error: unknown, blame: FailureBlame): void {
    const { session, logger } = this.#parts;
    const { mode, pauseMs, givesUp } = this.#attempts.failed(blame);
    if (givesUp) this.#omitBeforeFrame = this.#writtenFrame;
    logger.warn(
      { sessionId: session.id, attempt: this.#attempts.failures, mode, blame, retryInMs: pauseMs, err: error },
      'recognition interrupted',
    );
    this.#reopen(mode, pauseMs);
  }

  #reopen(mode: AttemptMode, pauseMs: number): void {
    this.#abandonStream();
    this.#then(async () => {
      await delay(pauseMs, undefined, { signal: this.#stopping.signal });
      this.#open(mode, true);
    });
  }

  #abandonStream(): void {
    this.#generation += 1;
    this.#stream?.close();
    this.#stream = null;
    this.#news.notify();
  }

  #then(action: () => unknown): void {
    this.#journalling = this.#journalling.then(action).then(
      () => undefined,
      (error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        this.#parts.logger.error({ sessionId: this.#parts.session.id, err: error }, 'transcription stopped');
      },
    );
  }
}
