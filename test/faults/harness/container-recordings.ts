import { msToFrames, type ContainerEncoding } from '../../../src/audio/format.ts';
import { passageFile, passageFormat, passageSamples, passagesOf, type Passage } from '../../support/passages.ts';
import type { Random } from './random.ts';
import { framesBefore, type Recording, type RecordingItem } from './recording.ts';

/**
 * Files of a container appended to each other, as by a recorder that is started again, and cut without regard to what is in
 * them: within headers, packets and the numbers that say how long those are.
 */
export function makeContainerRecording(random: Random, encoding: ContainerEncoding, channels: number): Recording {
  const choice = passagesOf(channels);
  const passages = Array.from({ length: random.integer(3, 5) }, () => random.pick(choice));
  const format = passageFormat(encoding, random.pick(choice));
  const items: RecordingItem[] = [];
  let files: Buffer[] = [];
  let durationMs = 0;
  const flush = () => {
    items.push(...cut(random, Buffer.concat(files), durationMs));
    [files, durationMs] = [[], 0];
  };
  let frames = 0;
  for (const passage of passages) {
    files.push(passageFile(encoding, passage));
    durationMs += lengthMs(passage);
    frames += msToFrames(lengthMs(passage), format.sampleRate);
    if (!random.chance(0.2)) continue;
    flush();
    const skip = { kind: 'skip', durationMs: random.integer(1, 1_500) } as const;
    items.push(skip);
    frames += msToFrames(skip.durationMs, format.sampleRate);
  }
  flush();
  const name = `${encoding} at ${format.sampleRate} Hz, channels: ${channels}`;
  const counted = framesBefore({ items, format }).at(-1);
  // What acknowledgements are compared with must itself be what was recorded.
  if (counted !== frames) throw new Error(`${name} has ${counted} frames by its packets, ${frames} were encoded`);
  const speakers = Array.from({ length: channels }, (_, channel) =>
    random.chance(0.5) ? `${name}, speaker ${channel}` : null,
  );
  return { name, texts: textsOf(passages, channels), format, speakers, items };
}

/** What is said, by channel. */
function textsOf(passages: readonly Passage[], channels: number): string[] {
  return Array.from({ length: channels }, (_, channel) =>
    passages
      .flatMap(({ scripts }) => scripts[channel] ?? [])
      .filter((part) => typeof part === 'string')
      .join(' '),
  );
}

function lengthMs(passage: Passage): number {
  return (passageSamples(passage).length / passage.scripts.length / passage.sampleRate) * 1000;
}

/** Mostly what 40 to 200 ms take on average; sometimes a few bytes only. */
function cut(random: Random, bytes: Buffer, durationMs: number): RecordingItem[] {
  const bytesIn = (ms: number) => Math.ceil((bytes.length * ms) / durationMs);
  const chunks: RecordingItem[] = [];
  for (let position = 0; position < bytes.length;) {
    const length = random.chance(0.05) ? random.integer(1, 5) : random.integer(bytesIn(40), bytesIn(200));
    chunks.push({ kind: 'chunk', bytes: bytes.subarray(position, position + length) });
    position += length;
  }
  return chunks;
}
