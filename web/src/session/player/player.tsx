import { useCallback, useEffect, useMemo, useRef, useState, type RefObject } from 'react';
import { useClient } from 'urql';
import { useServer } from '../../api/context.ts';
import type { TranscriptStore } from '../../transcript/transcript-store.ts';
import { useStore } from '../../ui/store.ts';
import type { SessionFacts } from '../session-queries.ts';
import type { TranscriptPlace } from '../transcript-panel.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { JumpToPlaying } from './jump-to-playing.tsx';
import { Playback } from './playback.ts';
import { PlayerControls } from './player-controls.tsx';
import { PlayerNote } from './player-note.tsx';
import { fetchLink, stateOf } from './recording-link.ts';
import { Shortcuts } from './shortcuts.ts';
import { useSpokenFollower } from './use-spoken-follower.ts';
import { Waveform } from './waveform.tsx';

export interface PlayerProps {
  readonly session: SessionFacts;
  readonly transcript: TranscriptStore;
  readonly place: RefObject<TranscriptPlace | null>;
  /** More may come of it. */
  readonly isLive: boolean;
  /** All segments that there are have been loaded. */
  readonly isWhole: boolean;
}

/** The sound of a session, and its words with it. */
export default function Player({ session, transcript, place, isLive, isWhole }: PlayerProps) {
  const { id, coverage } = session;
  const section = useRef<HTMLElement>(null);
  const playback = usePlayback(id, coverage.receivedMs, section);
  const follower = useSpokenFollower(playback, transcript, place, isWhole);
  const shortcuts = useMemo(() => new Shortcuts(), []);
  const [isHelpShown, setHelpShown] = useState(false);
  const showHelp = useCallback(() => setHelpShown(true), []);
  useEffect(
    () => (playback === null ? undefined : shortcuts.listen(playback, showHelp)),
    [shortcuts, playback, showHelp],
  );

  return (
    <section ref={section} className="player" aria-label="Player">
      {playback !== null && (
        <div>
          {follower !== null && <JumpToPlaying playback={playback} follower={follower} />}
          <PlayerNote playback={playback} isLive={isLive} />
          <Waveform sessionId={id} isLive={isLive} playback={playback} />
          <PlayerControls playback={playback} onHelp={showHelp} />
        </div>
      )}
      {isHelpShown && <HelpDialog shortcuts={shortcuts} onClose={() => setHelpShown(false)} />}
    </section>
  );
}

/** `null` in the moment before there is one. */
function usePlayback(id: string, lengthMs: number, section: RefObject<HTMLElement | null>): Playback | null {
  const client = useClient();
  const server = useServer();
  const { recoveries } = useStore(server);
  const [playback, setPlayback] = useState<Playback | null>(null);
  const firstLength = useRef(lengthMs);
  useEffect(() => {
    const made = new Playback({
      fetchLink: () => fetchLink(client, id),
      stateOf,
      onUnreachable: () => server.noteUnreachable(),
      lengthMs: firstLength.current,
    });
    section.current?.append(made.element);
    setPlayback(made);
    return () => made.close();
  }, [client, server, id, section]);
  useEffect(() => playback?.setLength(lengthMs), [playback, lengthMs]);
  useEffect(() => playback?.retry(), [playback, recoveries]);
  return playback;
}
