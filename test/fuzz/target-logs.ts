import { isDeepStrictEqual } from 'node:util';
import { AudioLog } from '../../src/log/audio-log.ts';
import { Journal } from '../../src/log/journal.ts';
import { LogDamagedError, LogFormatError, LogIncompleteError } from '../../src/log/storage-errors.ts';
import { parseJournalEntry, type JournalEntry } from '../../src/services/journal-entry.ts';
import { applyEntry, emptyJournal } from '../../src/services/journal-state.ts';
import { damage, forge } from './damaged-logs.ts';
import { MemoryFileSystem } from './memory-file-system.ts';
import { Violation } from './oracle.ts';
import { Random } from './random.ts';
import type { Target } from './target.ts';

const FORMAT = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
const HEADER = { sessionId: 'session', format: FORMAT, createdAt: new Date(0) };
const AUDIO = 'audio.log';
const JOURNAL = 'journal.log';
const FRAME_BYTES = 2;
/** Logs that are made once and damaged in ever other ways. */
const ORIGINALS = 12;
/** Far more than any of the logs has. */
const MANY = 100_000;

interface OriginalAudio {
  readonly bytes: Buffer;
  readonly chunks: ReadonlyMap<number, Buffer>;
}
interface OriginalJournal {
  readonly bytes: Buffer;
  readonly entries: readonly JournalEntry[];
}

/** Audio logs and journals with damage of all kinds, opened, read to their end, and gone on with. */
export function logTarget(): Target {
  const audio = Array.from({ length: ORIGINALS }, (_, index) => makeAudioLog(new Random('audio', index)));
  const journals = Array.from({ length: ORIGINALS }, (_, index) => makeJournal(new Random('journal', index)));
  return {
    attack: async (random, describe) => {
      const isForged = random.chance(0.3);
      const change = isForged ? forge : damage;
      const isAudio = random.chance(0.5);
      const what = `${isForged ? 'forged' : 'damaged'} ${isAudio ? 'audio log' : 'journal'}`;
      describe(what);
      const outcome = isAudio
        ? await openAudio(await random.pick(audio), change, random, isForged)
        : await openJournal(await random.pick(journals), change, random, isForged);
      return [`${what}: ${outcome}`];
    },
    close: () => undefined,
  };
}

type Change = (log: Buffer, random: Random) => Buffer;

async function openAudio(original: OriginalAudio, change: Change, random: Random, isForged: boolean): Promise<string> {
  const fileSystem = new MemoryFileSystem();
  fileSystem.put(AUDIO, Buffer.from(change(original.bytes, random)));
  const options = random.chance(0.5) ? { fileSystem, headerIfDamaged: HEADER } : { fileSystem };
  const log = await orRefusal(AudioLog.open(AUDIO, options));
  if (typeof log === 'string') return log;
  const outcome = await orRefusal(readAudio(log, original, isForged));
  if (!isForged) await goOn(log, options);
  return outcome;
}

/** The timeline has no hole and no overlap, and every chunk is one that was written. */
async function readAudio(log: AudioLog, original: OriginalAudio, isForged: boolean): Promise<string> {
  const reader = log.reader(0);
  let frame = 0;
  let damaged = 0;
  let items = 0;
  for (let item = await reader.next(); item !== null; item = await reader.next()) {
    if ((items += 1) > MANY) throw new Violation('reading does not end');
    if (item.startFrame !== frame) throw new Violation(`an item begins at ${item.startFrame}, not at ${frame}`);
    if (item.kind === 'end') continue;
    frame += item.frames;
    if (item.kind === 'damaged') damaged += item.frames;
    if (item.kind === 'chunk' && !isForged && !original.chunks.get(item.sequence)?.equals(item.bytes)) {
      throw new Violation(`chunk ${item.sequence} is not what was written`);
    }
  }
  if (frame !== log.receivedFrames) throw new Violation(`${frame} of ${log.receivedFrames} frames could be read`);
  if (damaged !== log.damagedFrames)
    throw new Violation(`${damaged} frames are damaged, ${log.damagedFrames} are said to be`);
  return damaged > 0 ? 'opened with damage' : 'opened';
}

/** What is stored from now on is stored like anything else. */
async function goOn(log: AudioLog, options: { fileSystem: MemoryFileSystem }): Promise<void> {
  const { nextSequence, receivedFrames } = log;
  await log.appendChunk(nextSequence, Buffer.alloc(100));
  await log.close();
  const again = await AudioLog.open(AUDIO, { ...options, headerIfDamaged: HEADER });
  if (again.nextSequence !== nextSequence + 1 || again.receivedFrames !== receivedFrames + 100 / FRAME_BYTES) {
    throw new Violation('a chunk that was stored behind the damage is gone');
  }
  await again.close();
}

async function openJournal(
  original: OriginalJournal,
  change: Change,
  random: Random,
  isForged: boolean,
): Promise<string> {
  const fileSystem = new MemoryFileSystem();
  fileSystem.put(JOURNAL, Buffer.from(change(original.bytes, random)));
  const read: JournalEntry[] = [];
  let state = emptyJournal(2);
  const journal = await orRefusal(
    Journal.open(
      JOURNAL,
      parseJournalEntry,
      ({ entry }) => {
        read.push(entry);
        state = applyEntry(state, entry);
      },
      { fileSystem },
    ),
  );
  if (typeof journal === 'string') return journal;
  const isWhole = journal.damage.length === 0;
  if (!isForged) {
    let at = 0;
    for (const entry of read) {
      const found = original.entries.findIndex((written, index) => index >= at && isDeepStrictEqual(written, entry));
      if (found < 0 || (isWhole && found !== at))
        throw new Violation('an entry is not what was written, or one before it is missing');
      at = found + 1;
    }
    if (state.lastSequence > original.entries.length) throw new Violation('more finals than were written');
  }
  const last = original.entries.at(-1);
  if (last === undefined) throw new Error('The journal has no entries');
  await journal.append(last);
  const { entries } = await journal.read(journal.start, MANY);
  if (entries.length !== read.length + 1) throw new Violation('an entry that was stored behind the damage is gone');
  await journal.close();
  return isWhole ? 'opened' : 'opened with damage';
}

/** What a log may be refused with; anything else is a mistake. */
async function orRefusal<T>(opening: Promise<T>): Promise<T | string> {
  try {
    return await opening;
  } catch (error) {
    const isDocumented =
      error instanceof LogFormatError || error instanceof LogDamagedError || error instanceof LogIncompleteError;
    if (!isDocumented) throw error;
    return error.name;
  }
}

async function makeAudioLog(random: Random): Promise<OriginalAudio> {
  const fileSystem = new MemoryFileSystem();
  const log = await AudioLog.create(AUDIO, HEADER, { fileSystem });
  const chunks = new Map<number, Buffer>();
  const items = random.between(0, 40);
  for (let sequence = 0; sequence < items; sequence++) {
    const chunk = random.bytes(FRAME_BYTES * random.between(1, 400));
    const stored = random.chance(0.9)
      ? log.appendChunk(sequence, chunk)
      : log.appendSkip(sequence, random.between(1, 9_999));
    chunks.set(sequence, chunk);
    // Some in one batch, which share a durable position.
    if (random.chance(0.6)) await stored;
    if (random.chance(0.03)) await log.appendEnd('IDLE_TIMEOUT', new Date(0));
  }
  if (random.chance(0.5)) await log.appendEnd('CLIENT', new Date(0));
  await log.close();
  return { bytes: contentOf(fileSystem, AUDIO), chunks };
}

async function makeJournal(random: Random): Promise<OriginalJournal> {
  const fileSystem = new MemoryFileSystem();
  const journal = await Journal.create(JOURNAL, parseJournalEntry, { fileSystem });
  const at = new Date(0).toISOString();
  const entries: JournalEntry[] = [{ type: 'recogniser', at, engine: 'scripted', modelHash: 'x', settings: {} }];
  let sample = 0;
  const count = random.between(0, 30);
  for (let sequence = 1; sequence <= count; sequence++) {
    const [startSample, endSample] = [sample, sample + random.between(1, 99_999)];
    const resume = {
      readFromFrame: endSample,
      state: { lanes: [random.below(99), random.bytes(60).toString('base64')] },
    };
    const words = [{ text: 'wörd', startSample: null, endSample: null, confidence: 0.5 }];
    entries.push({
      type: 'final',
      sequence,
      channel: 0,
      startSample,
      endSample,
      text: 'wörd',
      words,
      confidence: 0.5,
      revision: 1,
      createdAt: at,
      latencyMs: 321,
      decidedSample: endSample,
      resume,
    });
    sample = endSample;
  }
  for (const entry of entries) await journal.append(entry);
  await journal.close();
  return { bytes: contentOf(fileSystem, JOURNAL), entries };
}

function contentOf(fileSystem: MemoryFileSystem, path: string): Buffer {
  const content = fileSystem.contentOf(path);
  if (content === undefined) throw new Error(`There is no ${path}`);
  return content;
}
