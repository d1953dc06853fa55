/** What is read does not fit the format: the file is broken, or being written at this moment. */

/** Becomes `hdf5_torn` or `hdf5_corrupt` at the border of a consistent reading, which knows which of both it is. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}
