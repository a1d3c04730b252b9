import { setTimeout as delay } from 'node:timers/promises';
import type { AudioLogReader } from '../log/audio-log-reader.ts';
import {
  TIMELINE_RATE,
  type Decision,
  type Recogniser,
  type RecognitionStream,
  type ResumePoint,
} from '../recognition/recogniser.ts';
import type { JournalEntry } from './journal-entry.ts';
import type { Logger } from './logger.ts';
import type { OpenSession } from './open-session.ts';
import { primaryLanguage } from './session-request.ts';
import { Signal } from './signal.ts';

/** Seconds of audio that may be with the recogniser without having been worked through: bounds its memory per session. */
const WINDOW_SECONDS = 60;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

export interface TranscriptionParts {
  readonly session: OpenSession;
  readonly recogniser: Recogniser;
  readonly logger: Logger;
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
  #failures = 0;
  /** Decisions are journalled one after the other, in the order in which they were made. */
  #journalling: Promise<void> = Promise.resolve();
  readonly #news = new Signal();
  /** Source frame at which the present stream was told to end. */
  #endFrame = 0;
  /** Stretches that the audio log lost to damage, in timeline samples. */
  readonly #damaged: { readonly startSample: number; readonly endSample: number }[] = [];
  readonly #unsubscribe: () => void;

  constructor(parts: TranscriptionParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.session.audio.onDurable(() => this.#news.notify());
    this.#open();
  }

  /** Abandons the stream. The session goes on from the end of its journal at the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#unsubscribe();
    this.#abandonStream();
    this.#news.notify();
    await this.#journalling;
  }

  #open(): void {
    const { session, recogniser } = this.#parts;
    const generation = ++this.#generation;
    const resume = session.state.resume;
    const fromFrame = resume?.readFromFrame ?? 0;
    session.processedFrames = Math.max(session.processedFrames, fromFrame);
    const isCurrent = () => generation === this.#generation && !this.#stopping.signal.aborted;
    const stream = recogniser.openStream(
      {
        sessionId: session.id,
        format: session.record.audioFormat,
        language: primaryLanguage(session.record.language),
        resume,
        draftsShown: resume !== null || this.#generation > 1,
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
            session.processedFrames = Math.max(session.processedFrames, frame);
            this.#news.notify();
          });
        },
        onEnded: (resumeAfter) => {
          if (isCurrent()) this.#then(() => (isCurrent() ? this.#end(resumeAfter) : undefined));
        },
        onFailure: (error) => {
          if (isCurrent()) this.#reopenAfter(error);
        },
      },
    );
    this.#stream = stream;
    this.#pump(stream, session.audio.reader(fromFrame), isCurrent).catch((error: unknown) => {
      if (isCurrent()) this.#reopenAfter(error);
    });
  }

  /** Hands the log's audio to the stream as fast as the recogniser works, until the session's end or the stream's. */
  async #pump(stream: RecognitionStream, reader: AudioLogReader, isCurrent: () => boolean): Promise<void> {
    const { session } = this.#parts;
    const windowFrames = session.record.audioFormat.sampleRate * WINDOW_SECONDS;
    while (isCurrent()) {
      const news = this.#news.next();
      const item = await reader.next();
      if (!isCurrent()) return;
      switch (item?.kind) {
        case undefined:
          await news;
          break;
        case 'chunk':
          stream.writeAudio(item.startFrame, item.bytes);
          await this.#untilWithinWindow(item.startFrame + item.frames - windowFrames, isCurrent);
          break;
        case 'skip':
          stream.writeGap(item.startFrame, item.frames);
          break;
        case 'damaged':
          this.#damaged.push({
            startSample: this.#sampleOf(item.startFrame),
            endSample: this.#sampleOf(item.startFrame + item.frames),
          });
          stream.writeGap(item.startFrame, item.frames);
          break;
        case 'end':
          // One that more audio followed is in the journal: a session opens again only after it was completed.
          if (session.audio.end === null || item.startFrame < session.audio.receivedFrames) break;
          this.#endFrame = item.startFrame;
          stream.end();
          return;
      }
    }
  }

  async #untilWithinWindow(frame: number, isCurrent: () => boolean): Promise<void> {
    while (isCurrent() && this.#parts.session.processedFrames < frame) await this.#news.next();
  }

  async #journal(decision: Decision): Promise<void> {
    await this.#append(this.#entryOf(decision));
    this.#failures = 0;
    if (decision.kind === 'final') this.#parts.onFinal(this.#parts.session);
  }

  #entryOf(decision: Decision): JournalEntry {
    const { decidedSample, resume } = decision;
    switch (decision.kind) {
      case 'final':
        return {
          type: 'final',
          sequence: this.#parts.session.state.lastSequence + 1,
          ...decision.transcript,
          words: [...decision.transcript.words],
          createdAt: new Date().toISOString(),
          decidedSample,
          resume,
        };
      case 'silence':
        return { type: 'silence', channel: decision.channel, decidedSample, resume };
      case 'failed': {
        const { startSample, endSample } = decision;
        return { type: 'failed', startSample, endSample, decidedSample, resume };
      }
      case 'gap': {
        const { startSample, endSample } = decision;
        const isDamage = this.#damaged.some((lost) => lost.startSample < endSample && startSample < lost.endSample);
        const type = isDamage ? 'failed' : 'gap';
        return { type, startSample, endSample, decidedSample, resume };
      }
    }
  }

  async #end(resume: ResumePoint): Promise<void> {
    const { session, onEnded } = this.#parts;
    await this.#append({
      type: 'ended',
      reason: session.endReason ?? 'FAILURE',
      at: (session.audio.end?.at ?? new Date()).toISOString(),
      decidedSample: this.#sampleOf(this.#endFrame),
      resume,
    });
    onEnded(session);
  }

  /** Journals until it succeeds: a decision that is not in the journal must never be passed over. */
  async #append(entry: JournalEntry): Promise<void> {
    const { session, logger } = this.#parts;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await session.journal.append(entry);
        break;
      } catch (error) {
        logger.error(
          { sessionId: session.id, entry: entry.type, retryInMs: pause, err: error },
          'journal write failed',
        );
        await delay(pause, undefined, { signal: this.#stopping.signal });
      }
    }
    session.apply(entry);
  }

  /** The recogniser lost the stream: a new one goes on from the end of the journal. */
  #reopenAfter(error: unknown): void {
    const { session, logger } = this.#parts;
    this.#abandonStream();
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    this.#failures += 1;
    logger.warn(
      { sessionId: session.id, attempt: this.#failures, retryInMs: pause, err: error },
      'recognition interrupted',
    );
    this.#then(async () => {
      await delay(pause, undefined, { signal: this.#stopping.signal });
      this.#open();
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

  #sampleOf(frame: number): number {
    return Math.floor((frame * TIMELINE_RATE) / this.#parts.session.record.audioFormat.sampleRate);
  }
}
