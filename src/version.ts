/** The version of this program, from deno.json. */
import project from "../deno.json" with { type: "json" };

export const VERSION: string = project.version;
