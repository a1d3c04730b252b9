import { describe, expect, it } from 'vitest';
import type { Packet } from '../../src/audio/chunk-framing.ts';
import { createDemuxer } from '../../src/audio/containers/create-demuxer.ts';
import { encodePackets } from '../../src/audio/containers/packet-batch.ts';
import { BlockDecoder, firstFrameToDecode } from '../../src/audio/decoding/block-decoder.ts';
import { openPacketDecoder } from '../../src/audio/decoding/open-packet-decoder.ts';
import { stereoContainers, toneContainers, toneSamples, type ContainerFixture } from '../support/containers.ts';

interface Placed {
  readonly startFrame: number;
  readonly packet: Packet;
}

/** Several copies behind each other as one stream, so that there are many blocks. */
function packetsOf({ format, bytes }: ContainerFixture, copies = 1): Placed[] {
  const placed: Placed[] = [];
  let startFrame = 0;
  for (let copy = 0; copy < copies; copy++) {
    for (const item of createDemuxer(format).take(bytes).items) {
      if (item.kind === 'packet') placed.push({ startFrame, packet: { ...item, startsAnew: placed.length === 0 } });
      startFrame += item.frames;
    }
  }
  return placed;
}

/** What is heard from a frame on by a decoder that is given what it has to be given, `together` packets at a time. */
async function heardFrom(
  fixture: ContainerFixture,
  packets: readonly Placed[],
  frame: number,
  together: number,
  open = openPacketDecoder,
): Promise<Float32Array[]> {
  const decoder = new BlockDecoder(fixture.format, open);
  const first = firstFrameToDecode(fixture.format, frame);
  const given = packets.filter(({ startFrame, packet }) => startFrame + Math.max(1, packet.frames) > first);
  const parts: Float32Array[][] = [];
  for (let index = 0; index < given.length; index += together) {
    const run = given.slice(index, index + together);
    const bytes = encodePackets(run.map(({ packet }) => packet));
    for (const piece of await decoder.decode(run[0]?.startFrame ?? 0, bytes, frame)) {
      const skipped = Math.max(0, frame - piece.startFrame);
      parts.push(piece.channels?.map((samples) => samples.subarray(skipped)) ?? []);
    }
  }
  decoder.close();
  return Array.from({ length: fixture.format.channels }, (_, channel) => {
    const samples = parts.map((part) => part[channel] ?? new Float32Array(0));
    return new Float32Array(Buffer.concat(samples.map((one) => Buffer.from(one.slice().buffer))).buffer);
  });
}

function isSame(a: readonly Float32Array[], b: readonly Float32Array[]): boolean {
  return a.every((samples, channel) =>
    Buffer.from(samples.buffer).equals(Buffer.from(b[channel]?.buffer ?? new ArrayBuffer(0))),
  );
}

describe('the audio of a container', () => {
  it.each(toneContainers())(
    '$name is bit by bit the same from wherever decoding is taken up again',
    async (fixture) => {
      const packets = packetsOf(fixture);
      const { sampleRate } = fixture.format;
      const all = await heardFrom(fixture, packets, 0, 1);
      for (const seconds of [7.3, 20.03]) {
        const frame = Math.floor(seconds * sampleRate);
        const resumed = await heardFrom(fixture, packets, frame, 7);
        expect(
          isSame(
            resumed,
            all.map((samples) => samples.slice(frame)),
          ),
          `from ${seconds} s`,
        ).toBe(true);
      }
    },
  );

  it.each(toneContainers())('$name sounds like the recording, at the same time', async (fixture) => {
    const [heard] = await heardFrom(fixture, packetsOf(fixture), 0, 50);
    const original = toneSamples();
    const step = fixture.format.sampleRate / 16_000;
    let product = 0;
    let power = 0;
    let heardPower = 0;
    for (let index = 0; index < original.length; index++) {
      const sample = (original[index] ?? 0) / 32_768;
      const other = heard?.[index * step] ?? 0;
      product += sample * other;
      power += sample ** 2;
      heardPower += other ** 2;
    }
    expect(product / Math.sqrt(power * heardPower)).toBeGreaterThan(0.97);
  });

  it.each(stereoContainers())(
    '$name keeps two channels apart, or mixes them where one is asked for',
    async (fixture) => {
      const { sampleRate } = fixture.format;
      const level = (samples: Float32Array = new Float32Array(0), pitch = 0): number => {
        const angle = (index: number) => (2 * Math.PI * pitch * index) / sampleRate;
        const sine = samples.reduce((sum, sample, index) => sum + sample * Math.sin(angle(index)), 0);
        const cosine = samples.reduce((sum, sample, index) => sum + sample * Math.cos(angle(index)), 0);
        return Math.hypot(sine, cosine);
      };
      const [left, right] = await heardFrom(fixture, packetsOf(fixture), 0, 10);
      // At such bitrates the channels are encoded together.
      expect(level(left, 440)).toBeGreaterThan(5 * level(left, 880));
      expect(level(right, 880)).toBeGreaterThan(5 * level(right, 440));

      const mono: ContainerFixture = { ...fixture, format: { ...fixture.format, channels: 1 } };
      const [mix] = await heardFrom(mono, packetsOf(mono), 0, 10);
      expect(Math.abs(level(mix, 440) / level(left, 440) - 0.5)).toBeLessThan(0.1);
      expect(Math.abs(level(mix, 880) / level(right, 880) - 0.5)).toBeLessThan(0.1);
    },
  );

  it('that can’t be decoded is told with its place, and what is behind it is heard', async () => {
    const fixture = toneContainers().find(({ name }) => name === 'Ogg');
    if (fixture === undefined) throw new Error('there is no Ogg among the fixtures');
    const packets = packetsOf(fixture).slice(0, 100);
    // Two frames of a stated length that is not there (RFC 6716, section 3.2.4).
    const broken = Uint8Array.of(0x4a, 0xff, 0xff);
    const bytes = encodePackets(
      packets.map(({ packet }, index) => (index === 50 ? { ...packet, bytes: broken } : packet)),
    );
    const pieces = await new BlockDecoder(fixture.format).decode(0, bytes, 0);
    expect(pieces.map(({ frames, channels }) => [frames, channels === null])).toEqual([
      [packets[50]?.startFrame, false],
      [960, true],
      [49 * 960, false],
    ]);
  });

  it('is decoded on where a library was broken by what it was given, and can’t even be let go of', async () => {
    const fixture = toneContainers().find(({ name }) => name === 'Ogg');
    if (fixture === undefined) throw new Error('there is no Ogg among the fixtures');
    const packets = packetsOf(fixture, 2);
    const expected = await heardFrom(fixture, packets, 0, 10);
    let letGoOf = 0;
    const broken: typeof openPacketDecoder = async (format) => ({
      ...(await openPacketDecoder(format)),
      free: () => {
        letGoOf += 1;
        throw new WebAssembly.RuntimeError('memory access out of bounds');
      },
    });
    expect(await heardFrom(fixture, packets, 0, 10, broken)).toEqual(expected);
    expect(letGoOf).toBeGreaterThan(1);
  });
});
