import type { LiveSessionStatus } from '../../../src/client/index.ts';
import { lasting } from '../ui/words.ts';

/** Less than this is on its way, as it always is: milliseconds of audio. */
const USUALLY_UNDER_WAY_MS = 1_500;
/** The transcript of what was just said always comes a little later: milliseconds of audio. */
const USUAL_BACKLOG_MS = 5_000;

export interface Durability {
  /** `safe`: the server has it. `waiting`: it is kept here until the server has it. `lost`: some of it is gone. */
  readonly state: 'safe' | 'waiting' | 'lost';
  readonly words: string;
}

/**
 * What became of the audio so far, in words.
 * @param isKept whether it is kept in this browser until the server has it, and not only as long as the page is open
 */
export function durabilityOf(status: LiveSessionStatus, isKept: boolean): Durability {
  const { connection, bufferedMs, writtenMs, lostMs, backlogMs } = status;
  const waits = bufferedMs > USUALLY_UNDER_WAY_MS;
  const sentences: string[] = [];
  if (connection === 'reconnecting') sentences.push('reconnecting');
  else if (connection === 'connecting') sentences.push('connecting');
  if (waits) sentences.push(`${lasting(bufferedMs)} waiting to be sent`);
  else if (connection === 'connected' && writtenMs > 0) sentences.push('all saved');
  else if (connection === 'reconnecting' && isKept) sentences.push('what you say is kept here meanwhile');
  if (!isKept && (waits || connection !== 'connected')) sentences.push('do not close this page');
  if (connection === 'connected' && backlogMs > USUAL_BACKLOG_MS) sentences.push(`words ${lasting(backlogMs)} behind`);
  if (lostMs > 0) sentences.push(`${lasting(lostMs)} lost`);
  const isSafe = !waits && connection === 'connected';
  return { state: lostMs > 0 ? 'lost' : isSafe ? 'safe' : 'waiting', words: capitalised(sentences.join(', ')) };
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
