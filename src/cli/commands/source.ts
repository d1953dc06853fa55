import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { sourceAdd } from "./source/add.ts";
import { sourceAutoassign } from "./source/autoassign.ts";
import { sourceErrors } from "./source/errors.ts";
import { sourceExample } from "./source/example.ts";
import { sourceList } from "./source/list.ts";
import { sourceMap, sourceUnmap, sourceUnmapped } from "./source/mapping.ts";
import { sourceRemove } from "./source/remove.ts";
import { sourceReset } from "./source/reset.ts";
import { sourceShow } from "./source/show.ts";
import { sourceStart, sourceStop } from "./source/start_stop.ts";
import { sourceRename, sourceUpdate } from "./source/update.ts";

export const source = (cli: Cli) => {
  const group = command("source", {
    summary: "Where measurements come from: add, change, stop",
    examples: [
      ["etiket-sync source example folderbase", "a command to copy"],
      ["etiket-sync source list", "all sources with their counts"],
      ["etiket-sync source show NAME", "one source, with what it could not place"],
    ],
  });
  const builders = [
    sourceAdd,
    sourceList,
    sourceShow,
    sourceUpdate,
    sourceRename,
    sourceRemove,
    sourceStart,
    sourceStop,
    sourceReset,
    sourceErrors,
    sourceMap,
    sourceUnmap,
    sourceUnmapped,
    sourceAutoassign,
    sourceExample,
  ];
  for (const build of builders) group.addCommand(build(cli));
  return group;
};
