/** What was read of a dataset, so that nothing is written where it no longer holds. */
import { z } from "zod";

/** A file version and its `modified` as stored. */
export interface SeenFile {
  uuid: string;
  version_id: number;
  modified: string;
}

const schema = z.object({
  /** `modified` of the dataset's row as stored. */
  modified: z.string(),
  /** The dataset was marked already. */
  synchronized: z.boolean(),
  files: z.array(z.object({ uuid: z.string(), version_id: z.number(), modified: z.string() })),
});
export type State = z.infer<typeof schema>;

export function stateOf(state: State): string {
  return JSON.stringify(state);
}

/** @throws when it does not come from {@link stateOf} */
export function parseState(state: string): State {
  return schema.parse(JSON.parse(state));
}
