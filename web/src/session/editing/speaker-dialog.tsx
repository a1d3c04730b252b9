import { useId, useState } from 'react';
import type { ShownSegment } from '../../transcript/segments.ts';
import { Failure, useAttempt } from '../../ui/attempt.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { clock } from '../../ui/words.ts';
import type { SessionFollower } from '../session-follower.ts';
import type { SessionFacts } from '../session-queries.ts';
import { useRenameSpeaker, useUpdateSegment } from './edit-mutations.ts';

/** Of a name, in characters: the highest that the server takes. */
const LONGEST_NAME = 100;

interface SpeakerDialogProps {
  readonly session: SessionFacts;
  readonly segment: ShownSegment;
  readonly follower: SessionFollower;
  readonly onClose: () => void;
}

/** Says who speaks: in all that was and will be said on a channel, or in one segment. */
export function SpeakerDialog({ session, segment, follower, onClose }: SpeakerDialogProps) {
  const { channel, ownSpeaker = null } = segment;
  const { channels } = session.audioFormat;
  const names = useId();
  const [isOwn, setOwn] = useState(ownSpeaker !== null);
  const [name, setName] = useState(segment.speaker ?? '');
  const update = useUpdateSegment((changed) => follower.transcript.receive(changed));
  const rename = useRenameSpeaker((renamed) => follower.renameSpeakers(renamed));
  const { failure, run } = useAttempt(() => {
    const given = name.trim() === '' ? null : name.trim();
    return isOwn ? update(segment.id, { speaker: given }) : rename(session.id, channel, given);
  }, onClose);
  const known = new Set(
    [...session.speakers, ...follower.transcript.get().finals.map(({ speaker }) => speaker)].flatMap((it) => it ?? []),
  );
  const before = isOwn ? session.speakers[channel] : session.originalSpeakers[channel];

  return (
    <Dialog title="Who is speaking?" onClose={onClose} onSubmit={run}>
      <label className="field">
        Name
        <input
          value={name}
          maxLength={LONGEST_NAME}
          list={names}
          autoComplete="off"
          autoFocus
          onChange={({ target }) => setName(target.value)}
        />
      </label>
      <datalist id={names}>
        {[...known].map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <fieldset className="choices">
        <legend>This is the name</legend>
        <label>
          <input type="radio" name="reach" checked={!isOwn} onChange={() => setOwn(false)} />
          {channels > 1 ? `on channel ${channel + 1}, in the whole recording` : 'in the whole recording'}
        </label>
        <label>
          <input type="radio" name="reach" checked={isOwn} onChange={() => setOwn(true)} />
          only here, at {clock(segment.startMs)}
        </label>
      </fieldset>
      <p className="hint">
        {(before ?? null) === null ? 'Leave it empty for no name.' : `Leave it empty to go back to “${before}”.`}
      </p>
      <Failure sentence={failure} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button className="button primary">Save</button>
      </div>
    </Dialog>
  );
}
