import { readChildren, readUnsigned, type Element } from './ebml.ts';
import { MalformedAudioError } from './malformed-audio-error.ts';
import { readOpusHead } from './opus-packet.ts';

/** Elements of Matroska (RFC 9559, section 5) that matter here. */
export const ID = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  contentEncodings: 0x6d80,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  discardPadding: 0x75a2,
} as const;

const OPUS = 'A_OPUS';

export interface OpusTrack {
  readonly number: number;
  /** Frames that a decoder gives before the recording begins. */
  readonly preSkip: number;
}

/**
 * The first track with Opus.
 * @param body of the element Tracks
 * @throws MalformedAudioError when there is none, or it can't be read
 */
export function readOpusTrack(body: Uint8Array, wantedChannels: number): OpusTrack {
  const tracks = readChildren(body)
    .filter(({ id }) => id === ID.trackEntry)
    .map((entry) => readChildren(entry.body));
  const track = tracks.find((children) => codecOf(children) === OPUS);
  if (track === undefined) {
    const codecs = tracks.map(codecOf).join(', ');
    throw new MalformedAudioError(
      `the WebM stream has no Opus in it (${codecs || 'no tracks'}): record "audio/webm;codecs=opus"`,
    );
  }
  if (find(track, ID.contentEncodings) !== undefined) {
    throw new MalformedAudioError('the track of the WebM stream is compressed or encrypted, which is not read');
  }
  const number = find(track, ID.trackNumber);
  const head = find(track, ID.codecPrivate);
  if (number === undefined || head === undefined) {
    throw new MalformedAudioError('the track of the WebM stream has no number, or no Opus header');
  }
  // The delay of the codec stands here and as CodecDelay; some writers get the latter wrong.
  const { preSkip } = readOpusHead(head.body, wantedChannels);
  return { number: readUnsigned(number.body), preSkip };
}

function find(children: readonly Element[], id: number): Element | undefined {
  return children.find((child) => child.id === id);
}

function codecOf(children: readonly Element[]): string {
  const codec = find(children, ID.codecId)?.body ?? new Uint8Array(0);
  return String.fromCharCode(...codec.subarray(0, 32)).replace(/[^\w/.-]/gu, '');
}
