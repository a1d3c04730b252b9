import { fork, type ChildProcess } from 'node:child_process';
import { programBeside } from '../../node-program.ts';
import { isRecordingReply, type RecordingCall, type RecordingReply, type RecordingRequest } from './messages.ts';

/** The process ends when nobody has used it for so long, in milliseconds. */
const IDLE_MS = 60_000;

/**
 * A call that takes longer has met something that its decoder never gets through, and others wait behind it: the process is
 * ended. To open a log it is read whole, which takes half a minute for the longest, in milliseconds.
 */
const CALL_LIMIT_MS = 180_000;

type Outcome = RecordingReply['outcome'];

/** The recording could not be read: its log is damaged, or the process that reads it ended. */
export class RecordingUnreadableError extends Error {
  override readonly name = 'RecordingUnreadableError';
}

/** A recording that is being read. */
export interface OpenRecording {
  /** Of the timeline, when it was opened. */
  readonly frames: number;
  /** @see RecordingSource.read @throws RecordingUnreadableError */
  read(fromFrame: number, frames: number): Promise<Uint8Array>;
  /** @see RecordingSource.measure @throws RecordingUnreadableError */
  measure(fromFrame: number, frames: number, bucketFrames: number): Promise<readonly Uint16Array[]>;
  /** @see OpusPackets.second @throws RecordingUnreadableError */
  encode(second: number): Promise<Uint8Array>;
  close(): void;
}

/**
 * Reads recordings in a process of its own, which is started when it is needed: decoding takes as long as it takes, and the
 * server's event loop has audio to acknowledge. Audio that its decoder fails on costs that process only.
 */
export class RecordingReader {
  readonly #pending = new Map<number, { resolve: (outcome: Outcome) => void; reject: (error: Error) => void }>();
  #child: ChildProcess | null = null;
  #lastId = 0;
  #lastRecording = 0;
  #open = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  readonly #callLimitMs: number;

  /** @param callLimitMs how long one answer may take, in milliseconds */
  constructor(callLimitMs = CALL_LIMIT_MS) {
    this.#callLimitMs = callLimitMs;
  }

  /**
   * @param path of an audio log, which somebody else may be writing to
   * @throws RecordingUnreadableError
   */
  async open(path: string): Promise<OpenRecording> {
    this.#lastRecording += 1;
    const recording = this.#lastRecording;
    this.#use();
    const child = this.#running();
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#release();
      // With its process, a recording goes by itself.
      if (this.#child === child) this.#ask({ type: 'close', recording }).catch(() => undefined);
    };
    const ask = (call: RecordingCall) => {
      if (this.#child !== child) throw new RecordingUnreadableError('The process that reads the recording ended');
      return this.#ask(call);
    };
    try {
      const { frames } = expect(await this.#ask({ type: 'open', recording, path }), 'opened');
      return {
        frames,
        read: async (fromFrame, count) =>
          expect(await ask({ type: 'read', recording, fromFrame, frames: count }), 'bytes').bytes,
        encode: async (second) => expect(await ask({ type: 'encode', recording, second }), 'bytes').bytes,
        measure: async (fromFrame, count, bucketFrames) =>
          expect(await ask({ type: 'measure', recording, fromFrame, frames: count, bucketFrames }), 'peaks').peaks,
        close,
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** Lets go of a log that is to be removed. */
  forget(path: string): void {
    if (this.#child !== null) this.#ask({ type: 'forget', path }).catch(() => undefined);
  }

  /** Ends the process, whoever still reads. */
  async stop(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const child = this.#child;
    if (child === null) return;
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill('SIGKILL');
    await exited;
  }

  #use(): void {
    this.#open += 1;
    clearTimeout(this.#idleTimer);
  }

  #release(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#idleTimer = setTimeout(() => this.#child?.kill('SIGKILL'), IDLE_MS);
    this.#idleTimer.unref();
  }

  #running(): ChildProcess {
    if (this.#child !== null) return this.#child;
    const child = forkProcess();
    this.#child = child;
    child.on('message', (message: unknown) => {
      if (!isRecordingReply(message)) return;
      this.#pending.get(message.id)?.resolve(message.outcome);
      this.#pending.delete(message.id);
    });
    child.on('error', (error) => this.#lose(child, error.message));
    child.once('exit', (code, signal) => this.#lose(child, signal ?? `exit code ${code}`));
    return child;
  }

  #lose(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    this.#child = null;
    const error = new RecordingUnreadableError(`The process that reads recordings ended (${reason})`);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #ask(call: RecordingCall): Promise<Outcome> {
    const child = this.#running();
    this.#lastId += 1;
    const request: RecordingRequest = { id: this.#lastId, call };
    // Its exit ends what is pending.
    const deadline = setTimeout(() => child.kill('SIGKILL'), this.#callLimitMs);
    const answered = new Promise<Outcome>((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject });
      // When it has gone, its exit says so.
      child.send(request, () => {});
    });
    return answered.finally(() => clearTimeout(deadline));
  }
}

function expect<Type extends Outcome['type']>(outcome: Outcome, type: Type): Extract<Outcome, { type: Type }> {
  if (isOfType(outcome, type)) return outcome;
  const reason = outcome.type === 'failed' ? outcome.message : `an answer of type ${outcome.type}`;
  throw new RecordingUnreadableError(`The recording can't be read: ${reason}`);
}

function isOfType<Type extends Outcome['type']>(
  outcome: Outcome,
  type: Type,
): outcome is Extract<Outcome, { type: Type }> {
  return outcome.type === type;
}

function forkProcess(): ChildProcess {
  const { file, nodeArguments } = programBeside(import.meta.url, 'recording-process');
  return fork(file, [], {
    serialization: 'advanced',
    execArgv: [...nodeArguments],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}
