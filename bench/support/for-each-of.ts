/**
 * Does `work` with each item in order, at most `atATime` at the same time.
 * @throws the first failure; nothing new is begun after it.
 */
export async function forEachOf<T>(
  items: readonly T[],
  atATime: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  // Workers share one iterator: each takes the next item when it is done with its last.
  const queue = items.values();
  let failed = false;
  const worker = async () => {
    for (const item of queue) {
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
      if (failed) return;
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
