/** What all transfers of a process share: the journal of unfinished uploads, the bandwidth, the number at once. */
import type { Bandwidth } from "./bandwidth.ts";
import type { TransferSlots } from "./slots.ts";
import type { UploadJournal } from "./upload_journal.ts";

export interface TransferContext {
  journal: UploadJournal;
  bandwidth: Bandwidth;
  slots: TransferSlots;
  /** Files of at least this size are sent in parts where the platform takes parts, bytes (U7). */
  partsFrom: number;
  /** Larger files are read in place instead of being copied first, bytes; default 64 MiB (U1). */
  copyLimit?: number;
}
