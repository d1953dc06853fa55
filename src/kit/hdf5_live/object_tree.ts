/** Groups and their members, and what is attached to objects. */
import { SyncError } from "../errors.ts";
import { parseAttribute } from "./attribute_message.ts";
import { ByteCursor } from "./byte_cursor.ts";
import { denseAttributes, denseLinks } from "./dense_storage.ts";
import type { FileSource } from "./file_source.ts";
import { type Link, parseLink } from "./link_message.ts";
import { type HeaderMessage, MESSAGE, readObjectHeader } from "./object_header.ts";
import { readSymbolTable } from "./symbol_table.ts";
import type { LiveAttribute, LiveMember } from "./types.ts";

/** Soft links that lead to soft links … */
const MOST_LINKS = 16;
const MOST_MEMBERS = 100_000;

/** Its methods are called inside of a consistent reading. */
export class ObjectTree {
  constructor(readonly source: FileSource) {}

  /** Address of the header of a group or dataset. @throws SyncError `hdf5_no_object` */
  find(path: string): number {
    const address = this.lookup(path);
    if (address !== undefined) return address;
    throw new SyncError("data", "hdf5_no_object", `${this.source.path}: there is no ${path}`, {
      hint: "The measurement program may not have made it yet.",
    });
  }

  /** As {@link find}; undefined when there is none. */
  lookup(path: string, links = 0): number | undefined {
    let address = this.source.superblock.root, walked = "";
    for (const name of path.split("/").filter((part) => part !== "" && part !== ".")) {
      const link = this.#links(address, name).find((l) => l.name === name);
      const next = link && this.#target(link, walked || "/", links);
      if (next === undefined) return undefined;
      address = next;
      walked += `/${name}`;
    }
    return address;
  }

  members(path: string): LiveMember[] {
    const prefix = path.replace(/\/+$/, "");
    const links = this.#links(this.find(path)).slice(0, MOST_MEMBERS);
    return links.map((link): LiveMember => {
      const address = this.#target(link, prefix || "/", 0);
      return {
        name: link.name,
        path: `${prefix}/${link.name}`,
        kind: this.#kindOf(address),
        id: address ?? -1,
      };
    }).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** Attributes of the object with this header; only the one of that name when given. */
  attributes(address: number, name?: string): LiveAttribute[] {
    const messages = readObjectHeader(this.source, address);
    const compact = messages.filter((m) => m.type === MESSAGE.attribute && !m.shared).map((m) => m.data);
    const info = messages.find((m) => m.type === MESSAGE.attributeInfo);
    const dense = info ? denseAttributes(this.source, info.data, name) : [];
    return [...compact, ...dense]
      .flatMap((message) => parseAttribute(this.source, message, name) ?? [])
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }

  #kindOf(address: number | undefined): LiveMember["kind"] {
    if (address === undefined) return "other";
    const types = new Set(readObjectHeader(this.source, address).map((m) => m.type));
    if (types.has(MESSAGE.layout)) return "dataset";
    const group = [MESSAGE.symbolTable, MESSAGE.linkInfo, MESSAGE.link, MESSAGE.groupInfo];
    return group.some((type) => types.has(type)) ? "group" : "other";
  }

  #links(group: number, name?: string): Link[] {
    const messages = readObjectHeader(this.source, group);
    return messages.flatMap((message) => this.#linksOf(message, name));
  }

  #linksOf({ type, data }: HeaderMessage, name?: string): Link[] {
    const parse = (bytes: Uint8Array) => parseLink(new ByteCursor(bytes, this.source.superblock.widths));
    switch (type) {
      case MESSAGE.symbolTable:
        return readSymbolTable(this.source, data);
      case MESSAGE.link:
        return [parse(data)];
      case MESSAGE.linkInfo:
        return denseLinks(this.source, data, name).map(parse);
      default:
        return [];
    }
  }

  #target(link: Link, group: string, links: number): number | undefined {
    if (link.address !== undefined) return link.address;
    if (link.soft === undefined || links >= MOST_LINKS) return undefined;
    const path = link.soft.startsWith("/") ? link.soft : `${group}/${link.soft}`;
    return this.lookup(path, links + 1);
  }
}
