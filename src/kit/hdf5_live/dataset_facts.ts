/** What the header of a dataset says. */
import type { Hdf5Type } from "../hdf5/types.ts";
import { ByteCursor } from "./byte_cursor.ts";
import { committedType } from "./committed_type.ts";
import { parseDataspace } from "./dataspace.ts";
import { parseDatatype } from "./datatype.ts";
import type { FileSource } from "./file_source.ts";
import { fillBytes } from "./fill_value.ts";
import { type Filter, parseFilters } from "./filter_pipeline.ts";
import { FormatError } from "./format_error.ts";
import { type Layout, parseLayout } from "./layout.ts";
import { type HeaderMessage, MESSAGE, readObjectHeader } from "./object_header.ts";

export interface DatasetFacts {
  shape: number[];
  maxShape: number[];
  type: Hdf5Type;
  layout: Layout;
  filters: Filter[];
  fill: Uint8Array | null;
}

/** @throws FormatError */
export function readDatasetFacts(source: FileSource, address: number): DatasetFacts {
  return datasetFacts(source, readObjectHeader(source, address));
}

function datasetFacts(source: FileSource, messages: HeaderMessage[]): DatasetFacts {
  const { widths } = source.superblock;
  const cursorOf = (type: number, what: string) => {
    const message = messages.find((m) => m.type === type);
    if (!message) throw new FormatError(`a dataset without ${what}`);
    return { cursor: new ByteCursor(message.data, widths), shared: message.shared };
  };
  const space = parseDataspace(cursorOf(MESSAGE.dataspace, "dataspace").cursor);
  const datatype = cursorOf(MESSAGE.datatype, "datatype");
  const type = datatype.shared ? committedType(source, datatype.cursor) : parseDatatype(datatype.cursor);
  const layout = parseLayout(cursorOf(MESSAGE.layout, "layout").cursor);
  const filters = messages.find((m) => m.type === MESSAGE.filters);
  if (layout.kind === "chunked" && layout.chunkShape.length !== space.shape?.length) {
    throw new FormatError("chunks of another rank than their dataset");
  }
  return {
    shape: space.shape ?? [0],
    maxShape: space.shape === null ? [0] : space.maxShape,
    type,
    layout,
    filters: filters ? parseFilters(new ByteCursor(filters.data, widths)) : [],
    fill: fillBytes(messages, widths),
  };
}

/** True when values lie where they lay, and mean the same: only the extent may be another one. */
export function sameStorage(a: DatasetFacts, b: DatasetFacts): boolean {
  const text = ({ type, layout, filters, fill }: DatasetFacts) => {
    const place = layout.kind === "compact" ? "compact" : layout;
    return JSON.stringify([type, place, filters, fill && [...fill]]);
  };
  return text(a) === text(b);
}
