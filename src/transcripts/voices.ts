import type { TranscriptSegment } from './segment.ts';

/**
 * Who is to be shown as the speaker of a segment: the name that the session has for its channel; without one, the channel,
 * where there are several; else nobody.
 *
 * @param channels of the session's audio
 */
export function voiceOf(
  { speaker, channel }: Pick<TranscriptSegment, 'speaker' | 'channel'>,
  channels: number,
): string | null {
  return speaker ?? (channels > 1 ? `Channel ${channel}` : null);
}
