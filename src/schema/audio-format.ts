import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, type AudioFormat } from '../audio/format.ts';
import { builder } from './builder.ts';

const AudioEncodingRef = builder.enumType('AudioEncoding', {
  description:
    'How the bytes of a chunk encode audio: as samples (multi-byte encodings are little-endian, channels are interleaved), or as a container, a file or a stream that looks like one.',
  values: {
    PCM_S16LE: { description: 'Signed 16-bit integers: two bytes a sample.' },
    PCM_F32LE: { description: '32-bit floats from -1 to 1: four bytes a sample.' },
    MULAW: { description: 'G.711 µ-law, as telephones use it: one byte a sample.' },
    ALAW: { description: 'G.711 A-law, as telephones use it: one byte a sample.' },
    WEBM_OPUS: {
      description:
        'WebM with Opus, as MediaRecorder of browsers records it (`audio/webm;codecs=opus`), sent from its header on in any pieces. A jump of its times by more than 200 ms is a gap. A new header begins a new recording behind the one before.',
    },
    OGG_OPUS: {
      description:
        'Ogg with Opus, from its header on in any pieces. A jump of its positions by more than 20 ms is a gap.',
    },
    FLAC: { description: 'FLAC (not in Ogg), from its header on in any pieces.' },
    MP3: { description: 'MPEG audio layer III of a fixed or variable bitrate, in any pieces.' },
    WAV: {
      description:
        'WAV with samples of one of the encodings above, from its header on in any pieces; its sizes may be missing, as in a stream.',
    },
  } as const,
});

const CHANNELS =
  'Interleaved channels, 1 or 2. Two are transcribed separately, for example the two sides of a call: their segments say which one they are of. A container that has more than is asked for is mixed down to 1.';
const SAMPLE_RATE = `Frames per second: ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz. Of FLAC, MP3 and WAV what their header says; of Opus always 48000, whatever is given.`;

export const AudioFormatRef = builder.objectRef<AudioFormat>('AudioFormat').implement({
  description: 'The format of all audio of a session.',
  fields: (t) => ({
    encoding: t.expose('encoding', { type: AudioEncodingRef, description: 'How bytes encode samples.' }),
    sampleRate: t.exposeInt('sampleRate', { description: SAMPLE_RATE }),
    channels: t.exposeInt('channels', { description: CHANNELS }),
  }),
});

export const AudioFormatInput = builder.inputType('AudioFormatInput', {
  description: 'The format in which a client is going to send its audio.',
  fields: (t) => ({
    encoding: t.field({
      type: AudioEncodingRef,
      required: true,
      defaultValue: 'PCM_S16LE',
      description: 'How bytes encode samples.',
    }),
    sampleRate: t.int({ required: true, defaultValue: 16_000, description: SAMPLE_RATE }),
    channels: t.int({ required: true, defaultValue: 1, description: CHANNELS }),
  }),
});
