/** A request that the hub refuses, with the status it is answered by. */

/** One problem of a body or query, in the form of the list that v2 answers with 422. */
export interface FieldProblem {
  /** Where: "body" or "query", then the path to the field. */
  loc: (string | number)[];
  msg: string;
  type: string;
}

/** The `error` code of the v3 form, when the place that refuses names none. */
const CODES: Record<number, string> = {
  401: "token_invalid",
  403: "permissions_insufficient",
  500: "server_error",
  501: "temporarily_unavailable",
  503: "temporarily_unavailable",
  507: "server_error",
};

export class HubError extends Error {
  override readonly name = "HubError";

  /**
   * @param detail one sentence, or the problems of single fields
   * @param code the v3 `error` code
   */
  constructor(
    readonly status: number,
    readonly detail: string | FieldProblem[],
    readonly code: string = CODES[status] ?? "invalid_request",
  ) {
    super(typeof detail === "string" ? detail : detail.map(problemText).join("; "));
  }
}

function problemText(problem: FieldProblem): string {
  return `${problem.loc.slice(1).join(".") || problem.loc[0]}: ${problem.msg}`;
}

/** S3's words for an upload that was never begun, is complete, or was aborted. */
export function noSuchUpload(id: string): HubError {
  return new HubError(404, `NoSuchUpload: there is no open upload ${id}`);
}

/** S3's words for parts that can not be what an object is made of. */
export function invalidPart(problem: string): HubError {
  return new HubError(400, `InvalidPart: ${problem}`);
}
