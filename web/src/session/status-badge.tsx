const WORDS: Record<string, string> = {
  ACTIVE: 'Live',
  FINALIZING: 'Finishing',
  COMPLETED: 'Completed',
  FAILED: 'Failed',
};

export function StatusBadge({ status }: { readonly status: string }) {
  return (
    <span className="badge" data-status={status}>
      {WORDS[status] ?? status}
    </span>
  );
}
