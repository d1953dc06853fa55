/** Checks replies against the platform's OpenAPI contract, for tests. */
import { Ajv2020 } from "ajv/2020";
import { parse } from "yaml";
import { z } from "zod";

const CONTRACT = new URL("../../tests/fixtures/platform.openapi.yaml", import.meta.url);
const METHODS = ["get", "post", "put", "patch", "delete"] as const;

const Response = z.looseObject({ content: z.record(z.string(), z.unknown()).optional() });
const Operation = z.looseObject({ responses: z.record(z.string(), Response) });
const PathItem = z.looseObject(
  Object.fromEntries(METHODS.map((method) => [method, Operation.optional()])) as Record<
    typeof METHODS[number],
    z.ZodOptional<typeof Operation>
  >,
);
const Contract = z.looseObject({ paths: z.record(z.string(), PathItem) });

/** The contract's name of what a request asks for: `GET /api/v3/users/{sub}`. */
export interface Route {
  name: string;
  path: string;
  method: typeof METHODS[number];
  /** Declared statuses. */
  statuses: string[];
}

export class ContractChecker {
  readonly routes: Route[];
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(text = Deno.readTextFileSync(CONTRACT)) {
    const document: unknown = parse(text);
    const { paths } = Contract.parse(document);
    this.#ajv.addSchema(z.record(z.string(), z.unknown()).parse(document), "contract");
    this.#ajv.addFormat("uuid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    this.#ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    this.#ajv.addFormat("date", /^\d{4}-\d\d-\d\d$/);
    this.#ajv.addFormat("email", /^\S+@\S+$/);
    this.#ajv.addFormat("int64", { type: "number", validate: Number.isSafeInteger });
    this.routes = Object.entries(paths).flatMap(([path, item]) =>
      METHODS.flatMap((method) => {
        const operation = item[method];
        const name = `${method.toUpperCase()} ${path}`;
        return operation ? [{ name, path, method, statuses: Object.keys(operation.responses) }] : [];
      })
    );
  }

  /** The route that a request takes; one without parameters in its path goes first. */
  routeOf(method: string, pathname: string): Route | undefined {
    return this.routes.filter((route) => route.method === method.toLowerCase())
      .sort((a, b) => Number(a.path.includes("{")) - Number(b.path.includes("{")))
      .find(({ path }) => new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`).test(pathname));
  }

  /** What is wrong with the body of a reply with a declared status; empty when it fits. */
  problems({ path, method }: Route, status: number, body: unknown): string {
    const reply = ["paths", path, method, "responses", String(status), "content", "application/json"];
    const pointer = reply.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
    if (!this.#ajv.getSchema(`contract#/${pointer.join("/")}/schema`)) {
      return body === undefined ? "" : "a body where the contract has none";
    }
    return this.#check(`contract#/${pointer.join("/")}/schema`, body);
  }

  /** What is wrong with the body of an error, by the form of the API version. */
  errorProblems(pathname: string, body: unknown): string {
    const v3 = pathname.startsWith("/api/v3");
    const problems = this.#check(`contract#/components/schemas/${v3 ? "ErrorV3" : "ErrorV2"}`, body);
    const hasError = typeof body === "object" && body !== null && "error" in body;
    return problems || (hasError && !v3 ? "v2 must not have an `error` field" : "");
  }

  #check(ref: string, body: unknown): string {
    return this.#ajv.validate({ $ref: ref }, body) ? "" : this.#ajv.errorsText();
  }
}
