/** The objects of an open HDF5 file. */
import { Hdf5Object } from "./attributes.ts";

export { Hdf5Dataset } from "./dataset.ts";

/** A group; its members are listed by the file it belongs to. */
export class Hdf5Group extends Hdf5Object {
  readonly kind = "group";
}
