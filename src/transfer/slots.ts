/** How many files are sent at once, over all items (U13). */
export interface TransferSlots {
  /**
   * Runs `work` when there is room for a file of this size; sources take turns.
   * @param source who asks, so that one with many or large files does not hold up the others
   */
  run<T>(source: number, size: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}
