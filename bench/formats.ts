import { createFraming } from '../src/audio/create-framing.ts';
import { encodePackets } from '../src/audio/containers/packet-batch.ts';
import { createAudioDecoder } from '../src/audio/decoding/create-audio-decoder.ts';
import { isContainer, isSamples, OPUS_RATE, type AudioFormat, type ContainerEncoding } from '../src/audio/format.ts';
import { createResamplerTable } from '../src/audio/resampler-table.ts';
import { Resampler } from '../src/audio/resampler.ts';
import { ApiConnection } from '../src/cli/api-connection.ts';
import { toneContainers } from '../test/support/containers.ts';
import type { Benchmark, BenchmarkContext, Figure, Outcome } from './benchmark.ts';
import { atRate } from './support/band-limited.ts';
import { encodeContainer, encodeSamples } from './support/encoded-speech.ts';
import { forEachOf } from './support/for-each-of.ts';
import { timelineSamples } from './support/offline.ts';
import { measureResampling } from './support/resampling-quality.ts';
import { withMeasuredServer, type MeasuredServer } from './support/server.ts';
import { readRecording, type SpeechFile } from './support/speech.ts';
import { transcribeChunks } from './support/transcribe-samples.ts';
import { addErrors, wordErrorRate, wordErrors } from './word-error-rate.ts';

const SPEECH_SECONDS = 40;
/** Files of a speaker follow each other. */
const EVERY_SO_MANIETH = 7;
/** As clients send live audio. */
const CHUNK_SECONDS = 0.1;
const SESSIONS_AT_A_TIME = 2;
/** What is decoded at least for a figure of how fast that is. */
const DECODED_SECONDS = 60;
const MIB = 1024 * 1024;
const RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 47_999, 48_000];
const PLAIN: AudioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 };

export const formats: Benchmark = {
  name: 'formats',
  about: 'words, cost and speed of each format that is accepted, and how clean resampling is',
  bareLimit: 'the same speech as 16-bit samples at 16 kHz',
  limitMs: 300_000,
  run,
};

/** The same speech in one format, file by file. */
interface Variant {
  readonly name: string;
  readonly format: AudioFormat;
  /** By file; empty when it could not be made. */
  readonly files: ReadonlyMap<string, Buffer>;
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const speech = someOf(context.speech ?? []);
  const seconds = speech.reduce((sum, file) => sum + file.seconds, 0);
  context.tell('resampling');
  const resampling = RATES.flatMap(qualityFigures);
  context.tell('encoding');
  const variants = await makeVariants(speech);
  const missing = variants.filter(({ files }) => files.size < speech.length);
  const heard = speech.length === 0 ? [] : await hearAll(variants, speech, context);
  const speeds: Figure[] = [];
  const sizes: string[] = [];
  for (const variant of variants) {
    context.signal.throwIfAborted();
    const { figure, size } = await decodingSpeed(variant, seconds);
    speeds.push(figure);
    sizes.push(size);
  }
  return {
    kind: 'measured',
    figures: [...heard, ...speeds, ...resampling],
    notes: [
      speech.length === 0
        ? 'there is no recorded speech (--speech DIR): only decoding and resampling were measured, with tones'
        : describeSpeech(speech, context.model),
      ...missing.map(
        ({ name }) =>
          `${name} could not be encoded here (FFmpeg does it where it is installed): the speed is that of a fixture of tones`,
      ),
      'decoding: one core, from the bytes to samples at 16 kHz; CPU time',
      'rejection: what comes out beside a tone of the pass band, and of tones above 8 kHz, at worst of 48 tones; ripple: up to 7/8 of the narrower Nyquist frequency',
      `size: ${sizes.join('; ')}`,
    ],
  };
}

function describeSpeech(speech: readonly SpeechFile[], model: string): string {
  const words = speech.reduce((sum, { reference }) => sum + reference.split(' ').length, 0);
  return `model ${model}; ${speech.length} files, ${words} words: one of them is ${(100 / words).toFixed(1)} %; in chunks of 100 ms, each when the one before is acknowledged`;
}

/** Evenly from all there is, so that speakers and sources differ. */
function someOf(all: readonly SpeechFile[]): SpeechFile[] {
  const chosen: SpeechFile[] = [];
  let seconds = 0;
  for (const file of all.filter((one, index) => !one.isConcatenation && index % EVERY_SO_MANIETH === 0)) {
    if (seconds >= SPEECH_SECONDS) break;
    chosen.push(file);
    seconds += file.seconds;
  }
  return chosen;
}

function qualityFigures(rate: number): Figure[] {
  const { rejectionDb, rippleDb } = measureResampling(rate);
  const from = `from ${rate} Hz`;
  return [
    // At 16 kHz nothing is done.
    { what: `rejection, ${from}`, unit: 'dB', ours: rejectionDb, target: { of: 'ours', atLeast: 60 } },
    { what: `pass-band ripple, ${from}`, unit: 'dB', ours: rippleDb },
  ];
}

async function makeVariants(speech: readonly SpeechFile[]): Promise<Variant[]> {
  const recordings = new Map<string, Float32Array>();
  for (const file of speech) recordings.set(file.file, timelineSamples(await readRecording(file)));
  const each = async (make: (samples: Float32Array) => Promise<Buffer | null>) => {
    const files = new Map<string, Buffer>();
    for (const [file, samples] of recordings) {
      const bytes = await make(samples);
      if (bytes !== null) files.set(file, bytes);
    }
    return files;
  };
  const variants: Variant[] = [];
  for (const [encoding, sampleRate] of [
    ['PCM_S16LE', 16_000],
    ['PCM_F32LE', 16_000],
    ['MULAW', 8_000],
    ['ALAW', 8_000],
    ['PCM_S16LE', 8_000],
    ['PCM_S16LE', 44_100],
    ['PCM_S16LE', 48_000],
  ] as const) {
    const format = { encoding, sampleRate, channels: 1 };
    const files = await each((samples) =>
      Promise.resolve(encodeSamples(format, atRate(samples, PLAIN.sampleRate, sampleRate))),
    );
    variants.push({ name: `${encoding} at ${sampleRate} Hz`, format, files });
  }
  for (const encoding of ['WAV', 'FLAC', 'MP3', 'OGG_OPUS', 'WEBM_OPUS'] as const) {
    const sampleRate = isOpus(encoding) ? OPUS_RATE : PLAIN.sampleRate;
    const files = await each((samples) => encodeContainer(encoding, samples));
    variants.push({ name: encoding, format: { encoding, sampleRate, channels: 1 }, files });
  }
  return variants;
}

function isOpus(encoding: ContainerEncoding): boolean {
  return encoding === 'OGG_OPUS' || encoding === 'WEBM_OPUS';
}

/** Sends each variant through the server; the first is what the others are compared with. */
async function hearAll(
  variants: readonly Variant[],
  speech: readonly SpeechFile[],
  { serverEntry: entry, model, signal, tell }: BenchmarkContext,
): Promise<Figure[]> {
  const whole = variants.filter(({ files }) => files.size === speech.length);
  return await withMeasuredServer({ entry, settings: { MODEL: model }, signal }, async (server) => {
    const connection = await ApiConnection.open(server.address);
    const seconds = speech.reduce((sum, file) => sum + file.seconds, 0);
    const results: { name: string; rate: number | null; cpuMs: number }[] = [];
    try {
      // Whatever is done for the first time is done before anything counts.
      for (const variant of whole.slice(0, 1)) await hear(variant, speech.slice(0, 1), connection, signal);
      for (const variant of whole) {
        tell(variant.name);
        const cpuMs = await serverCpu(server);
        const rate = await hear(variant, speech, connection, signal);
        results.push({ name: variant.name, rate, cpuMs: ((await serverCpu(server)) - cpuMs) / seconds });
      }
    } finally {
      connection.close();
    }
    const [plain] = results;
    return results.flatMap(({ name, rate, cpuMs }): Figure[] => [
      { what: `word error rate, ${name}`, unit: 'percent', ours: rate, bareLimit: plain?.rate ?? null },
      {
        what: `CPU of the server process, ${name}`,
        unit: 'cpu ms per s',
        ours: cpuMs,
        bareLimit: plain?.cpuMs ?? null,
      },
    ]);
  });
}

async function serverCpu(server: MeasuredServer): Promise<number> {
  return (await server.usage()).server.cpuMs;
}

async function hear(
  { format, files }: Variant,
  speech: readonly SpeechFile[],
  connection: ApiConnection,
  signal: AbortSignal,
): Promise<number | null> {
  const errors: ReturnType<typeof wordErrors>[] = [];
  await forEachOf(speech, SESSIONS_AT_A_TIME, async ({ file, reference, seconds }) => {
    signal.throwIfAborted();
    const bytes = files.get(file) ?? Buffer.alloc(0);
    const segments = await transcribeChunks(connection, format, chunksOf(format, bytes, seconds));
    const text = segments.filter(({ kind }) => kind === 'FINAL').map((segment) => segment.text);
    errors.push(wordErrors(reference, text.join(' ')));
  });
  return wordErrorRate(addErrors(errors));
}

function chunksOf(format: AudioFormat, bytes: Buffer, seconds: number): Buffer[] {
  // Whole frames of samples of any kind.
  const length = Math.ceil((bytes.length * CHUNK_SECONDS) / seconds / 4) * 4;
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += length) chunks.push(bytes.subarray(at, at + length));
  if (isSamples(format) && bytes.length % 2 !== 0 && format.encoding.startsWith('PCM'))
    throw new Error('half a sample');
  return chunks;
}

/** How much faster than it is spoken audio of a format is brought to the timeline. */
async function decodingSpeed(
  { name, format, files }: Variant,
  speechSeconds: number,
): Promise<{ figure: Figure; size: string }> {
  const fixture = toneContainers().find((one) => one.format.encoding === format.encoding);
  const spoken = [...files.values()];
  const some = spoken.length > 0 ? spoken : isContainer(format) && fixture ? [fixture.bytes] : [tones(format)];
  const decoded = spoken.length > 0 || !isContainer(format) || !fixture ? format : fixture.format;
  let [seconds, bytes] = [0, 0];
  const before = process.cpuUsage();
  while (seconds < DECODED_SECONDS) {
    for (const file of some) {
      seconds += (await decodeAll(decoded, file)) / decoded.sampleRate;
      bytes += file.length;
    }
  }
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  const perHour =
    spoken.length > 0 ? (some.reduce((sum, { length }) => sum + length, 0) / speechSeconds) * 3_600 : null;
  return {
    figure: { what: `decoding, ${name}`, unit: 'times', ours: seconds / cpuSeconds },
    size: `${name} ${perHour === null ? '' : `${(perHour / MIB).toFixed(0)} MiB an hour, `}decoded at ${(bytes / MIB / cpuSeconds).toFixed(1)} MiB/s`,
  };
}

/** Ten seconds of what needs no encoder. */
function tones(format: AudioFormat): Buffer {
  const samples = Float32Array.from({ length: 10 * format.sampleRate }, (_, index) => Math.sin(index / 9) / 3);
  return isSamples(format) ? encodeSamples(format, samples) : Buffer.alloc(0);
}

/** As the server and the recogniser do it together. @returns frames. */
async function decodeAll(format: AudioFormat, bytes: Buffer): Promise<number> {
  const decoder = createAudioDecoder(format);
  const resampler = new Resampler(createResamplerTable(format.sampleRate), { spanStartFrame: 0 });
  let framing = createFraming(format);
  let frame = 0;
  const write = async (encoded: Uint8Array) => {
    for (const { channels, frames } of await decoder.decode(frame, encoded, frame)) {
      if (channels?.[0] === undefined) throw new Error(`${format.encoding} was not decoded`);
      resampler.write(channels[0]);
      frame += frames;
    }
  };
  const length = 16 * 1024;
  for (let at = 0; at < bytes.length; at += length) {
    const chunk = bytes.subarray(at, at + length);
    if (isSamples(format)) {
      await write(chunk);
      continue;
    }
    const { items, next } = framing.take(chunk);
    framing = next;
    const packets = items.filter((item) => item.kind === 'packet');
    if (packets.length > 0) await write(encodePackets(packets));
  }
  decoder.close();
  return frame;
}
