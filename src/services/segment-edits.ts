import type { Segment, SegmentEdit, SpeakerNames, Transcribed } from '../database/session-records.ts';

/** What the recogniser wrote of a final, whatever a person has made of it. */
export function transcribedOf({ text, words, edit }: Segment): Transcribed {
  return edit?.original ?? { text, words };
}

/** What people have changed of one session's finals, and who speaks: what its journal does not know. */
export class SegmentEdits {
  readonly #edits: Map<string, SegmentEdit>;

  constructor(edits: readonly SegmentEdit[]) {
    this.#edits = new Map(edits.map((edit) => [edit.segmentId, edit]));
  }

  get isEmpty(): boolean {
    return this.#edits.size === 0;
  }

  /** By the ids of the segments. */
  *revisions(): Iterable<[id: string, revision: number]> {
    for (const [id, { revision }] of this.#edits) yield [id, revision];
  }

  has(segmentId: string): boolean {
    return this.#edits.has(segmentId);
  }

  /** The database has it already. Of two that come the wrong way round the newer one stays. */
  add(edit: SegmentEdit): void {
    const known = this.#edits.get(edit.segmentId);
    if (known === undefined || known.revision < edit.revision) this.#edits.set(edit.segmentId, edit);
  }

  /** A final that was just read from the journal, as it is to be shown. */
  show(heard: Segment, names: Pick<SpeakerNames, 'speakers'>): Segment {
    const edit = this.#edits.get(heard.id);
    return edit === undefined ? heard : withEdit(heard, edit, names);
  }

  /**
   * A final that was to be shown some time ago, as it is to be shown now.
   * @returns the same object when nothing has changed: what is made of one for a subscriber is kept for the others
   */
  refresh(shown: Segment, names: Pick<SpeakerNames, 'speakers'>): Segment {
    const edit = this.#edits.get(shown.id);
    if (edit !== undefined && edit.revision > shown.revision) return withEdit(shown, edit, names);
    const speaker = shown.edit?.ownSpeaker ?? names.speakers[shown.channel] ?? null;
    return speaker === shown.speaker ? shown : { ...shown, speaker };
  }
}

function withEdit(
  segment: Segment,
  { transcribed, speaker: ownSpeaker, revision, at }: SegmentEdit,
  { speakers }: Pick<SpeakerNames, 'speakers'>,
): Segment {
  const { edit: _earlier, ...rest } = segment;
  const original = transcribedOf(segment);
  const isAsHeard = transcribed === null && ownSpeaker === null;
  return {
    ...rest,
    ...(transcribed ?? original),
    speaker: ownSpeaker ?? speakers[segment.channel] ?? null,
    // Written again it may have had more drafts than before.
    revision: Math.max(segment.revision, revision),
    ...(!isAsHeard && { edit: { original: transcribed === null ? null : original, ownSpeaker, at } }),
  };
}
