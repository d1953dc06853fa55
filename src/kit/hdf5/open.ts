/** Opens HDF5 and netCDF-4 files for reading. */
import { SyncError } from "../errors.ts";
import { callHdf5, loadHdf5 } from "./module.ts";
import type { FileContext } from "./file_context.ts";
import { Hdf5Dataset, Hdf5Group } from "./objects.ts";
import { requireHdf5 } from "./signature.ts";

/** A member of a group that is no group or dataset of its own. */
export interface Hdf5Aside {
  kind: "datatype" | "dangling" | "external" | "again" | "other";
  path: string;
  /** Where a link points, or where the group was met first (`again`). */
  target?: string;
}

export type Hdf5Member = Hdf5Group | Hdf5Dataset | Hdf5Aside;

/**
 * Opens a file for reading; close it with `using`, `[Symbol.dispose]()` or `close()`: an unclosed file keeps its
 * descriptor. Broken, foreign and half-written files are refused at once.
 *
 * @throws SyncError `hdf5_empty`, `hdf5_netcdf3`, `hdf5_not_hdf5`, `hdf5_truncated`, `hdf5_unreadable`,
 * `hdf5_library_abort` (class data), `hdf5_open_for_writing` (class busy), `file_unreadable` (class source),
 * `hdf5_stale` (class reader) when an earlier error in this process left the same file open
 */
export async function openHdf5(path: string): Promise<Hdf5File> {
  requireHdf5(path);
  const identity = identityOf(path);
  if (leftOpen.has(identity)) {
    throw new SyncError(
      "reader",
      "hdf5_stale",
      `${path}: an earlier error left this file open in the process`,
      {
        hint: "It is read again by a fresh process.",
      },
    );
  }
  const library = await loadHdf5();
  const id = callHdf5(
    `${path}`,
    () => library.module.open(path, library.module.H5F_ACC_RDONLY, false, -1, -1),
  );
  return new Hdf5File({
    ...library,
    id,
    path,
    call(doing, call) {
      try {
        return callHdf5(`${path}: ${doing}`, call);
      } catch (error) {
        leftOpen.add(identity);
        throw error;
      }
    },
  });
}

/**
 * Files on which the library threw. It then keeps its handles, and would answer from its old cache when the same file
 * is opened again after a change.
 */
const leftOpen = new Set<string>();

function identityOf(path: string): string {
  const { dev, ino } = Deno.statSync(path);
  return ino === null ? Deno.realPathSync(path) : `${dev}:${ino}`;
}

/** An open file. */
export class Hdf5File implements Disposable {
  readonly #context: FileContext;
  #open = true;

  constructor(context: FileContext) {
    this.#context = context;
  }

  get path(): string {
    return this.#context.path;
  }

  get root(): Hdf5Group {
    return new Hdf5Group(this.#context, "/");
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#context.call("closing", () => this.#context.module.close_file(this.#context.id));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * The dataset at a path.
   * @throws SyncError `hdf5_no_dataset` when there is none
   */
  dataset(path: string): Hdf5Dataset {
    const member = this.find(path);
    if (member instanceof Hdf5Dataset) return member;
    throw new SyncError("data", "hdf5_no_dataset", `${this.path}: there is no dataset ${path}`, {
      hint: "The file does not have the layout that is expected here; check which program wrote it.",
    });
  }

  /** The group or dataset at an absolute path of `/`-separated names; undefined when there is none in this file. */
  find(path: string): Hdf5Member | undefined {
    return this.#resolve(path.split("/").filter((part) => part !== ""), 0);
  }

  /**
   * Members of a group in order of creation where the file keeps it, else by name. Soft links within the file are
   * followed; links to other files never are.
   */
  members(group: Hdf5Group): Hdf5Member[] {
    return this.#names(group.path).map((name) => this.#member(group.path, name, 0));
  }

  /**
   * All groups and datasets below a group, itself first. A group met again (a loop, or a second name of it) is
   * reported as `again`, and not entered.
   */
  *walk(group: Hdf5Group = this.root): Generator<Hdf5Member, void, undefined> {
    const met = new Map<string, string>();
    const pending: Hdf5Member[] = [group];
    for (let member = pending.pop(); member; member = pending.pop()) {
      if (!(member instanceof Hdf5Group)) {
        yield member;
        continue;
      }
      const identity = this.#identity(member.path);
      const target = met.get(identity);
      if (target !== undefined) {
        yield { kind: "again", path: member.path, target };
        continue;
      }
      met.set(identity, member.path);
      yield member;
      pending.push(...this.members(member).reverse());
    }
  }

  #names(path: string): string[] {
    return this.#context.call(
      `group ${path}`,
      () => this.#context.module.get_names(this.#context.id, path, false),
    );
  }

  /** The address of an object in the file, as text. */
  #identity(path: string): string {
    return this.#context.call(
      `group ${path}`,
      () => this.#context.module.create_object_reference(this.#context.id, path),
    ).join(",");
  }

  #resolve(parts: string[], links: number): Hdf5Member | undefined {
    let here: Hdf5Member = this.root;
    for (const part of parts) {
      if (!(here instanceof Hdf5Group) || !this.#names(here.path).includes(part)) return undefined;
      here = this.#member(here.path, part, links);
    }
    return here;
  }

  #member(parent: string, name: string, links: number): Hdf5Member {
    const context = this.#context;
    const { module, id } = context;
    const path = parent === "/" ? `/${name}` : `${parent}/${name}`;
    const external = context.call(`link ${path}`, () => module.get_external_link(id, path));
    if (external.filename !== undefined) {
      return { kind: "external", path, target: `${external.filename}:${external.obj_path}` };
    }
    const soft = context.call(`link ${path}`, () => module.get_symbolic_link(id, path));
    if (typeof soft === "string") {
      const target = soft.startsWith("/") ? soft : `${parent}/${soft}`;
      const parts = target.split("/").filter((part) => part !== "" && part !== ".");
      const found = links < MAX_LINKS ? this.#resolve(parts, links + 1) : undefined;
      if (!found) return { kind: "dangling", path, target: soft };
      if (found instanceof Hdf5Group) return new Hdf5Group(context, found.path === "/" ? "/" : path);
      return found instanceof Hdf5Dataset ? new Hdf5Dataset(context, path) : { ...found, path };
    }
    switch (context.call(`object ${path}`, () => module.get_type(id, path))) {
      case module.H5G_GROUP:
        return new Hdf5Group(context, path);
      case module.H5G_DATASET:
        return new Hdf5Dataset(context, path);
      case module.H5G_TYPE:
        return { kind: "datatype", path };
      default:
        return { kind: "other", path };
    }
  }
}

/** Soft links followed one after the other, as in HDF5. */
const MAX_LINKS = 16;
