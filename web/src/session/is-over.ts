/** Whether nothing more will be said in a session of this status. */
export function isOver(status: string): boolean {
  return status === 'COMPLETED' || status === 'FAILED';
}
