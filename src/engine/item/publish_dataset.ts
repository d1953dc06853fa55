/** Brings a dataset's metadata to the platform: find, adopt, create, move, merge (behaviour 4). */
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { TakenOver } from "../../kit/define_backend.ts";
import type { DatasetDraft } from "../../kit/drafts.ts";
import type { Dataset, DatasetChanges } from "../../platform/client.ts";
import { type Merge, mergeMetadata } from "./merge.ts";
import { type Metadata, metadataOf } from "./metadata.ts";
import { nativeUuid } from "../sources/native_source.ts";
import { intentAfter, keepIntent, lastTold, unanswered } from "./publish_intent.ts";
import { findReplica } from "./replica_dataset.ts";
import { mergeReplica, type ReplicaMerge } from "./replica_merge.ts";
import type { ReadySource, Services } from "../services.ts";
import type { RunRecorder } from "./sync_record.ts";

export interface PublishInput {
  source: ReadySource;
  item: ItemRow;
  draft: DatasetDraft;
  /** Scope the item resolves to. */
  scope: string;
  recorder: RunRecorder;
  dryRun: boolean;
}

export interface PublishedDataset {
  uuid: string;
  /** Scope the dataset is in now. */
  scope: string;
  /** As the platform has it, with all file versions; null for one that is new. */
  remote: Dataset | null;
  local: Metadata;
  action: "create" | "update" | "unchanged";
  changes: string[];
  /** What a replica is to take over from the platform; the base is `base` when it has done so. */
  takenOver?: TakenOver;
  base?: Metadata;
}

/** Finds or creates the dataset and pushes what changed; durable in the catalog before anything is created. */
export async function publishDataset(s: Services, input: PublishInput): Promise<PublishedDataset> {
  const { item, draft, scope, recorder, dryRun } = input;
  const now = () => s.env.now();
  const { replica } = draft;
  let uuid = replica?.uuid ?? item.dataset_uuid;
  if (uuid !== item.dataset_uuid && !dryRun) s.catalog.items.update(item.id, { dataset_uuid: uuid }, now());
  const altUid = draft.alt_uid && draft.alt_uid.toLowerCase() !== uuid ? draft.alt_uid : null;
  let remote = replica
    ? await findReplica(s, replica, altUid, dryRun)
    : await s.client.findDataset({ uuid, alt_uid: altUid, scope_uuid: scope });
  const native = remote || altUid === null ? null : await nativeUuid(s, input.source.row, altUid, scope);
  if (native !== null && native !== uuid) {
    recorder.log("dataset_adopted", `qdrive has ${altUid} as dataset ${native}: it is used`);
    uuid = native;
    if (!dryRun) s.catalog.items.update(item.id, { dataset_uuid: uuid }, now());
    remote = await s.client.readDataset(uuid);
  }
  let { base, pushed_scope } = lastTold(item, remote);
  if (item.intent !== null && !dryRun) {
    // The next intent takes the place of the one that says so.
    s.catalog.items.update(item.id, { base: base && JSON.stringify(base), pushed_scope }, now());
  }
  const isReplaced = !replica && remote?.uuid === uuid && altUid && (remote.alt_uid || altUid) !== altUid;
  if (isReplaced) {
    // The input was replaced by another measurement under the same name (a new database, say): the old dataset stays.
    recorder.log(
      "dataset_replaced",
      `dataset ${uuid} is ${remote?.alt_uid}, the input is ${altUid} now: it gets its own`,
    );
    remote = await s.client.readDatasetByAltUid(altUid, scope);
    uuid = remote?.uuid ?? s.env.uuid();
    [base, pushed_scope] = [null, null];
    if (!dryRun) {
      s.catalog.items.update(item.id, { dataset_uuid: uuid, base: null, pushed_scope: null }, now());
    }
  }
  let local = metadataOf(draft, item.identifier);

  /** Another one created the dataset at the same time. */
  let wasBeaten = false;
  if (!remote && !dryRun) {
    const { notes, ...created } = local;
    const told = replica ? { ...created, notes: null } : created;
    s.catalog.items.update(item.id, { pushed_scope: scope, alt_uid: altUid }, now());
    keepIntent(s.catalog, item.id, { dataset: uuid, changes: told, local: told }, now());
    const creator = replica?.creator ?? input.source.row.owner ?? (await s.client.me()).sub;
    remote = await s.client.createDataset({
      uuid,
      alt_uid: altUid,
      collected: draft.collected,
      name: local.name,
      creator,
      description: local.description,
      keywords: local.keywords,
      ranking: local.ranking,
      scope_uuid: scope,
      attributes: local.attributes,
    });
    recorder.changed();
    wasBeaten = remote !== null;
    if (!remote) {
      s.catalog.items.update(item.id, { base: JSON.stringify(told), intent: null }, now());
      recorder.log("dataset_created", `created dataset ${uuid}`);
      if (notes) {
        // A dataset is created without notes (4.2): they follow.
        await s.client.updateDataset(uuid, { notes });
        s.catalog.items.update(item.id, { base: JSON.stringify(local) }, now());
      }
      return { uuid, scope, remote: null, local, action: "create", changes: Object.keys(local) };
    }
  }
  if (!remote) return { uuid, scope, remote: null, local, action: "create", changes: Object.keys(local) };

  if (remote.uuid !== uuid) {
    recorder.log("dataset_adopted", `dataset ${remote.uuid} has alt_uid ${altUid}: it is used`);
    uuid = remote.uuid;
    if (!dryRun) s.catalog.items.update(item.id, { dataset_uuid: uuid }, now());
  }
  const where = await settleScope(s, input, remote, pushed_scope);
  const partners = s.catalog.items.ofDataset(uuid).filter((i) =>
    i.id !== item.id && (i.base !== null || (wasBeaten && i.pushed_scope !== null))
  );
  const is_secondary = partners.length > 0 && (base === null || item.is_secondary);
  if (is_secondary) {
    // The item that created the dataset speaks for its name; others only add (S12).
    const { name, description, ranking } = remote;
    local = { ...local, name, description, ranking };
  }
  const merge: Merge & Partial<ReplicaMerge> = replica
    ? mergeReplica(base, local, remote, replica.modified + s.client.clockOffsetMs)
    : mergeMetadata(base, local, remote);
  for (const l of merge.logs) recorder.log(l.code, l.message);
  if (Date.parse(remote.collected) !== Date.parse(draft.collected)) {
    recorder.log(
      "collected_changed",
      `collected is ${draft.collected} at the source, ${remote.collected} on the platform`,
    );
  }
  const { description, notes, ...others } = merge.changes;
  const changes: DatasetChanges = {
    ...others,
    ...(description ? { description } : {}),
    ...(notes ? { notes } : {}),
  };
  if (altUid !== null && !remote.alt_uid) changes.alt_uid = altUid;
  const keys = Object.keys(changes);
  const strays = replica ? [] : unanswered(item, remote, now());
  if (keys.length > 0) {
    recorder.changed();
    recorder.log("dataset_updated", `changed ${keys.join(", ")}`);
    if (!dryRun) {
      // Of a replica both sides tell after a kill what was done.
      const intent = replica ? {} : { changes: merge.changes, local };
      keepIntent(s.catalog, item.id, { dataset: uuid, scope: where, ...intent, strays }, now());
      await s.client.updateDataset(uuid, changes);
    }
  }
  const { takenOver = {}, base: agreed = local } = merge;
  const isAgreed = Object.keys(takenOver).length === 0;
  if (!isAgreed) recorder.log("taken_over", `from the platform: ${Object.keys(takenOver).join(", ")}`);
  if (!dryRun) {
    const known = isAgreed ? { base: JSON.stringify(agreed) } : {};
    s.catalog.items.update(
      item.id,
      { ...known, pushed_scope: where, alt_uid: altUid, is_secondary, intent: intentAfter(uuid, strays) },
      now(),
    );
  }
  return {
    uuid,
    scope: where,
    remote,
    local,
    action: keys.length > 0 ? "update" : "unchanged",
    changes: keys,
    ...(isAgreed ? {} : { takenOver, base: agreed }),
  };
}

/** Follows a dataset that the user moved (S14), moves one whose source now goes elsewhere (S13). */
async function settleScope(
  s: Services,
  input: PublishInput,
  remote: Dataset,
  pushedScope: string | null,
): Promise<string> {
  const { item, scope, recorder } = input;
  const is = remote.scope.uid;
  if (is === scope) return scope;
  if (pushedScope === null || is !== pushedScope || input.dryRun) {
    recorder.log("scope_followed", `the dataset is in scope "${remote.scope.name}": it stays there`);
    return is;
  }
  const strays = unanswered(item, remote, s.env.now());
  keepIntent(s.catalog, item.id, { dataset: remote.uuid, scope, strays }, s.env.now());
  if (await s.client.moveDataset(remote.uuid, scope)) {
    recorder.changed();
    recorder.log("scope_moved", `moved from scope "${remote.scope.name}"`);
    return scope;
  }
  recorder.log(
    "scope_move_unsupported",
    `the platform cannot move datasets: it stays in "${remote.scope.name}"`,
  );
  return is;
}
