import type { FramedChunk, Packet } from '../../src/audio/chunk-framing.ts';
import { MalformedAudioError } from '../../src/audio/containers/malformed-audio-error.ts';
import { encodePackets } from '../../src/audio/containers/packet-batch.ts';
import { createFraming } from '../../src/audio/create-framing.ts';
import { BlockDecoder } from '../../src/audio/decoding/block-decoder.ts';
import type { ContainerFormat } from '../../src/audio/format.ts';
import { hostileContainer, hostilePieces } from './hostile-containers.ts';
import { Violation } from './oracle.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

/** What may wait for the rest of a packet. */
const MOST_HELD = 640 * 1024;
const MOST_ITEMS = 65_536;
/** A day at 48 kHz. */
const MOST_FRAMES = 24 * 3_600 * 48_000;
/** Of all channels of an input; longer ones are followed, but not decoded. */
const MOST_DECODED = 20 * 48_000;

/** Containers of all kinds, taken apart and decoded in this process: what the server's and the recogniser's do with them. */
export function containerTarget(): Target {
  return {
    attack: async (random, describe) => {
      const { format, bytes, kind } = hostileContainer(random);
      describe(kind);
      const { packets, frames, refusals } = followed(format, hostilePieces(bytes, random), random);
      const undecoded = frames <= MOST_DECODED ? await decoded(format, packets) : 0;
      const outcome = [refusals > 0 ? 'refused' : 'taken', ...(undecoded > 0 ? ['not all decoded'] : [])];
      return [`${kind}: ${outcome.join(', ')}`];
    },
    close: () => undefined,
  };
}

interface Followed {
  /** `null`: something between two of them is missing. */
  readonly packets: readonly (Packet | null)[];
  readonly frames: number;
  readonly refusals: number;
}

/** Takes all pieces that can follow; some are lost on the way. @throws Violation */
function followed(format: ContainerFormat, pieces: readonly Buffer[], random: Random): Followed {
  const packets: (Packet | null)[] = [];
  let framing = createFraming(format);
  let [frames, refusals] = [0, 0];
  for (const piece of pieces) {
    if (random.chance(0.01)) {
      framing = framing.afterLoss(random.below(10_000));
      packets.push(null);
    }
    let taken: FramedChunk;
    try {
      taken = framing.take(piece);
    } catch (error) {
      if (!(error instanceof MalformedAudioError)) throw error;
      if ((refusals += 1) > 50) break;
      continue;
    }
    if (taken.items.length > MOST_ITEMS || !isLength(taken.frames) || taken.next.heldBytes > MOST_HELD) {
      throw new Violation(
        `${piece.length} bytes became ${taken.items.length} packets, ${taken.frames} frames, ${taken.next.heldBytes} bytes held`,
      );
    }
    const sum = taken.items.reduce((total, item) => total + item.frames, 0);
    if (sum !== taken.frames) throw new Violation(`${taken.frames} frames are ${sum} by their packets`);
    frames += taken.frames;
    for (const item of taken.items) {
      if (!isLength(item.frames)) throw new Violation(`a ${item.kind} of ${item.frames} frames`);
      // A copy: the piece may be used again.
      packets.push(item.kind === 'packet' ? { ...item, bytes: item.bytes.slice() } : null);
    }
    framing = taken.next;
  }
  return { packets, frames, refusals };
}

function isLength(frames: number): boolean {
  return Number.isSafeInteger(frames) && frames >= 0 && frames <= MOST_FRAMES;
}

/** @returns frames that could not be decoded. @throws Violation */
async function decoded(format: ContainerFormat, packets: readonly (Packet | null)[]): Promise<number> {
  const decoder = new BlockDecoder(format);
  let [frame, undecoded] = [0, 0];
  try {
    for (const packet of packets) {
      if (packet === null) {
        decoder.lost();
        continue;
      }
      const pieces = await decoder.decode(frame, encodePackets([packet]), frame);
      for (const piece of pieces) {
        if (piece.startFrame !== frame) throw new Violation(`a piece begins at ${piece.startFrame}, not at ${frame}`);
        frame += piece.frames;
        if (piece.channels === null) undecoded += piece.frames;
        else checkSamples(piece.channels, format.channels, piece.frames);
      }
    }
  } finally {
    decoder.close();
  }
  const expected = packets.reduce((sum, packet) => sum + (packet?.frames ?? 0), 0);
  if (frame !== expected) throw new Violation(`of ${expected} frames ${frame} were accounted for`);
  return undecoded;
}

function checkSamples(samples: readonly Float32Array[], channels: number, frames: number): void {
  if (samples.length !== channels || samples.some(({ length }) => length !== frames)) {
    throw new Violation(
      `${channels} channels of ${frames} frames became ${samples.map(({ length }) => length).join(', ')}`,
    );
  }
  for (const channel of samples) {
    const wild = channel.find((sample) => !Number.isFinite(sample));
    if (wild !== undefined) throw new Violation(`a sample of ${wild}`);
  }
}
