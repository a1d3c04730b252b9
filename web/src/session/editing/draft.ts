/** What somebody has typed for a segment. It outlives the editor, which goes while its segment is scrolled out of sight. */
export interface Draft {
  text: string;
  /** The editor was there before: it does not take the focus when it comes back. */
  isBegun: boolean;
}
