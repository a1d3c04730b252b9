import { stat } from 'node:fs/promises';
import { AudioLog } from '../../log/audio-log.ts';
import { readOnlyFileSystem } from '../../log/read-only-file-system.ts';

/** A log stays open this long after its last use: a player asks for one part after the other. */
const KEPT_MS = 30_000;

interface OpenLog {
  readonly audio: Promise<AudioLog>;
  readonly bytes: number;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/** Audio logs that are open for reading. To open one it has to be read whole, so that is done once for several readers. */
export class OpenLogs {
  readonly #logs = new Map<string, OpenLog>();

  /** @returns the log with all that it had at the call. */
  async open(path: string): Promise<{ audio: AudioLog; release: () => void }> {
    const { size } = await stat(path);
    const kept = this.#logs.get(path);
    if (kept !== undefined && kept.bytes !== size) this.#drop(path, kept);
    const log = this.#logs.get(path) ?? this.#add(path, size);
    log.users += 1;
    clearTimeout(log.timer);
    try {
      return { audio: await log.audio, release: () => this.#release(path, log) };
    } catch (error) {
      this.#release(path, log);
      this.forget(path);
      throw error;
    }
  }

  /** Closes it as soon as nobody uses it any more. */
  forget(path: string): void {
    const log = this.#logs.get(path);
    if (log !== undefined) this.#drop(path, log);
  }

  #add(path: string, bytes: number): OpenLog {
    const log: OpenLog = {
      audio: AudioLog.open(path, { fileSystem: readOnlyFileSystem }),
      bytes,
      users: 0,
      timer: undefined,
    };
    this.#logs.set(path, log);
    return log;
  }

  #release(path: string, log: OpenLog): void {
    log.users -= 1;
    if (log.users > 0) return;
    if (this.#logs.get(path) === log) log.timer = setTimeout(() => this.#drop(path, log), KEPT_MS);
    else void close(log);
  }

  #drop(path: string, log: OpenLog): void {
    clearTimeout(log.timer);
    this.#logs.delete(path);
    if (log.users === 0) void close(log);
  }
}

async function close({ audio }: OpenLog): Promise<void> {
  // Whoever opened it was told when that failed; nothing was written that closing could lose.
  await audio.then((log) => log.close()).catch(() => undefined);
}
