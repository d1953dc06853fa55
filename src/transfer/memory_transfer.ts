/** A transfer context without limits whose journal lives in memory: for tests, and runs that leave no trace. */
import type { TransferContext } from "./context.ts";
import type { JournalEntry, JournalPart, UploadJournal } from "./upload_journal.ts";

export function memoryTransfer(): TransferContext {
  return {
    journal: memoryJournal(),
    bandwidth: { take: () => Promise.resolve(), limit: 0 },
    partsFrom: 64 * 1024 * 1024,
    slots: { run: (_source, _size, work) => work() },
  };
}

function memoryJournal(): UploadJournal {
  const entries = new Map<string, JournalEntry & { parts: JournalPart[] }>();
  const key = (uuid: string, version: number) => `${uuid} ${version}`;
  return {
    find: (uuid, version) => entries.get(key(uuid, version)),
    begin: (entry) => void entries.set(key(entry.file_uuid, entry.version_id), { ...entry, parts: [] }),
    partDone: (uuid, version, part) => void entries.get(key(uuid, version))?.parts.push(part),
    ofFile: (uuid) => [...entries.values()].filter((e) => e.file_uuid === uuid),
    end: (uuid, version) => void entries.delete(key(uuid, version)),
    orphans: (before) => [...entries.values()].filter((e) => e.started < before),
  };
}
