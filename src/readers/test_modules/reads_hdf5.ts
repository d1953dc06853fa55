/** A backend that reads everything in an HDF5 file. For tests only. */
import { defineBackend, type FolderBackend } from "../../kit/define_backend.ts";
import { Hdf5Dataset, Hdf5Group } from "../../kit/hdf5/objects.ts";
import { openHdf5 } from "../../kit/hdf5/open.ts";

const backend: FolderBackend = defineBackend({
  identifier: "etiket_sync_agent_reads_hdf5",
  display_name: "Reads HDF5",
  version: "1.0",
  kind: "folder",
  level: 1,
  single_file: true,
  scope_policy: "OPTIONAL",
  supports_scope_mapping: false,
  has_owner: false,
  fields: [],
  validate: () => [],
  rootPath: () => "/",
  isServerFolder: () => false,
  read: async (_config, item) => {
    using file = await openHdf5(item.path);
    let datasets = 0;
    for (const member of file.walk()) {
      if (member instanceof Hdf5Group || member instanceof Hdf5Dataset) member.attributes();
      if (!(member instanceof Hdf5Dataset) || member.shape === null) continue;
      member.read();
      datasets++;
    }
    return {
      draft: {
        name: item.identifier,
        collected: "2024-01-01T00:00:00+00:00",
        keywords: [],
        ranking: 0,
        attributes: { datasets },
        files: [],
      },
    };
  },
});

export default backend;
