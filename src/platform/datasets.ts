/** Datasets of the platform (`/api/v2/dataset…`). */
import { z } from "zod";
import { anything, type Api, nothing } from "./api.ts";
import { mayHaveTakenEffect } from "./errors.ts";
import {
  type Dataset,
  type DatasetChanges,
  type DatasetCreate,
  datasetSchema,
  type DatasetSearch,
} from "./schemas.ts";

export interface DatasetKey {
  uuid: string;
  alt_uid?: string | null;
  scope_uuid: string;
}

export interface DatasetCalls {
  /** In whatever scope it is. @returns null when there is none */
  readDataset(uuid: string): Promise<Dataset | null>;
  /** @returns null when there is none */
  readDatasetByAltUid(altUid: string, scopeUuid: string): Promise<Dataset | null>;
  /**
   * By uuid, else by alt_uid inside the scope (behaviour 4.1). The caller adopts the uuid of what is returned.
   * @returns null when there is none
   */
  findDataset(key: DatasetKey): Promise<Dataset | null>;
  /**
   * Creates a dataset. When the platform says that it exists, or the reply was lost, the existing one is read.
   * @returns the existing dataset, or null when this call created it
   */
  createDataset(create: DatasetCreate): Promise<Dataset | null>;
  /** Sends all seven keys, null for those that stay as they are. */
  updateDataset(uuid: string, changes: DatasetChanges): Promise<void>;
  /** Newest `collected` first. */
  searchDatasets(search: DatasetSearch, page?: { offset?: number; limit?: number }): Promise<Dataset[]>;
  /**
   * Moves a dataset with its files to another scope, where the platform offers that.
   * @returns false when it does not
   */
  moveDataset(uuid: string, scopeUuid: string): Promise<boolean>;
}

/** An alt_uid that only repeats the uuid is none (S1). */
function usefulAltUid(key: { uuid: string; alt_uid?: string | null }): string | null {
  return !key.alt_uid || key.alt_uid.toLowerCase() === key.uuid.toLowerCase() ? null : key.alt_uid;
}

/** What goes beyond the contract may be announced by the probe; other servers answer it with any JSON. */
const probeReply = anything().pipe(
  z.object({ capabilities: z.object({ dataset_move: z.boolean().catch(false) }) })
    .catch({ capabilities: { dataset_move: false } }),
);

export function datasetCalls(api: Api): DatasetCalls {
  const readDataset = (uuid: string) =>
    api.callOrNull({
      method: "GET",
      path: "/api/v2/dataset/",
      query: { dataset_uuid: uuid },
      what: `reading dataset ${uuid}`,
      reply: datasetSchema,
    });
  const readDatasetByAltUid = (altUid: string, scopeUuid: string) =>
    api.callOrNull({
      method: "GET",
      path: "/api/v2/dataset/by_alt_uid/",
      query: { dataset_alt_uid: altUid, scope_uuid: scopeUuid },
      what: `reading dataset "${altUid}" of scope ${scopeUuid}`,
      reply: datasetSchema,
    });
  const findDataset = async (key: DatasetKey) => {
    const byUuid = await readDataset(key.uuid);
    const altUid = usefulAltUid(key);
    return byUuid ?? (altUid === null ? null : await readDatasetByAltUid(altUid, key.scope_uuid));
  };
  let canMove: Promise<boolean> | null = null;
  const offersMove = () =>
    api.callOrNull({
      method: "GET",
      path: "/api/v3/",
      what: "asking what the platform offers",
      reply: probeReply,
    }).then((probe) => probe?.capabilities.dataset_move ?? false);

  return {
    readDataset,
    readDatasetByAltUid,
    findDataset,
    async createDataset(create) {
      const altUid = usefulAltUid(create);
      try {
        await api.call({
          method: "POST",
          path: "/api/v2/dataset/",
          json: {
            uuid: create.uuid,
            alt_uid: altUid,
            collected: create.collected,
            name: create.name,
            creator: create.creator,
            description: create.description ?? null,
            notes: null,
            keywords: create.keywords,
            ranking: create.ranking,
            scope_uuid: create.scope_uuid,
            attributes: create.attributes,
          },
          what: `creating dataset ${create.uuid} ("${create.name}")`,
          reply: nothing,
        });
        return null;
      } catch (e) {
        if (!mayHaveTakenEffect(e)) throw e;
        const existing = await findDataset({ ...create, alt_uid: altUid }).catch(() => null);
        if (existing) return existing;
        throw e;
      }
    },
    updateDataset: (uuid, changes) =>
      api.call({
        method: "PATCH",
        path: "/api/v2/dataset/",
        query: { dataset_uuid: uuid },
        json: {
          alt_uid: changes.alt_uid ?? null,
          name: changes.name ?? null,
          description: changes.description ?? null,
          notes: changes.notes ?? null,
          keywords: changes.keywords ?? null,
          ranking: changes.ranking ?? null,
          attributes: changes.attributes ?? null,
        },
        what: `updating dataset ${uuid}`,
        reply: nothing,
      }),
    searchDatasets: (search, page = {}) =>
      api.call({
        method: "POST",
        path: "/api/v2/datasets/search/",
        query: { offset: page.offset ?? 0, limit: page.limit ?? 100 },
        json: {
          scope_uuids: search.scope_uuids ?? null,
          attributes: search.attributes ?? null,
          search_query: search.search_query ?? null,
          ranking: search.ranking ?? null,
          has_notes: search.has_notes ?? false,
          start_date: search.start_date ?? null,
          end_date: search.end_date ?? null,
          time_zone: search.time_zone ?? null,
        },
        what: "searching datasets",
        reply: z.array(datasetSchema),
      }),
    async moveDataset(uuid, scopeUuid) {
      canMove ??= offersMove();
      try {
        if (!await canMove) return false;
      } catch (e) {
        canMove = null;
        throw e;
      }
      await api.call({
        method: "POST",
        path: "/api/v2/dataset/move/",
        query: { dataset_uuid: uuid, scope_uuid: scopeUuid },
        what: `moving dataset ${uuid} to scope ${scopeUuid}`,
        reply: nothing,
      });
      return true;
    },
  };
}
