/** A file that is read where it lies, in the form in which the layout of logs is read. */
import type { Hdf5Aside } from "../../../src/kit/hdf5/open.ts";
import type { LiveHdf5File } from "../../../src/kit/hdf5_live/types.ts";
import type { LogDataset, LogFile, LogGroup } from "../log_file.ts";

type Found = LogGroup | LogDataset | Hdf5Aside;

export class FileInPlace implements LogFile {
  constructor(readonly hdf5: LiveHdf5File) {}

  get path(): string {
    return this.hdf5.path;
  }

  get root(): LogGroup {
    return this.#group("/");
  }

  find(path: string): Found | undefined {
    const names = path.split("/").filter((name) => name !== "");
    const parent = `/${names.slice(0, -1).join("/")}`, name = names.at(-1);
    if (name === undefined) return this.root;
    if (!this.hdf5.has(parent)) return undefined;
    const member = this.hdf5.members(parent).find((found) => found.name === name);
    return member && this.#object(member);
  }

  members(group: LogGroup): Found[] {
    return this.hdf5.members(group.path).map((member) => this.#object(member));
  }

  #object({ kind, path }: { kind: "group" | "dataset" | "other"; path: string }): Found {
    if (kind === "group") return this.#group(path);
    if (kind !== "dataset") return { kind: "other", path };
    const { hdf5 } = this;
    return {
      ...this.#attributes(path),
      kind,
      get type() {
        return hdf5.dataset(path).type;
      },
      read: () => {
        const dataset = hdf5.dataset(path);
        return dataset.read(dataset.shape.map(() => 0), dataset.shape);
      },
    };
  }

  #group(path: string): LogGroup {
    return { ...this.#attributes(path), kind: "group" };
  }

  #attributes(path: string) {
    const find = (name: string) => {
      const found = this.hdf5.attribute(path, name);
      if (!found) throw new RangeError(`${path} has no attribute ${name}`);
      return found;
    };
    return {
      path,
      name: path.slice(path.lastIndexOf("/") + 1),
      attributeNames: () => this.hdf5.attributes(path).map(({ name }) => name),
      attribute: find,
      attributeValues: (name: string) => find(name).values,
    };
  }
}
