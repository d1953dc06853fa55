import { assert, assertEquals, assertStringIncludes, assertThrows } from "../../../tests/assert.ts";
import { SyncError } from "../errors.ts";
import { callHdf5, hdf5ErrorCount } from "./module.ts";

Deno.test("an abort of the WebAssembly code is an error of the file, and counted", () => {
  const before = hdf5ErrorCount();
  const error = assertThrows(() =>
    callHdf5("a.h5: dataset /d", () => {
      throw new WebAssembly.RuntimeError("memory access out of bounds");
    })
  );
  assert(error instanceof SyncError);
  assertEquals([error.class, error.code], ["data", "hdf5_library_abort"]);
  assertStringIncludes(error.message, "a.h5: dataset /d");
  assertEquals(hdf5ErrorCount(), before + 1);
});

Deno.test("of the library's error stack the innermost sentence is told", () => {
  const error = assertThrows(() =>
    callHdf5("a.h5", () => {
      throw new Error(
        "HDF5-DIAG: Error detected in HDF5 (2.0.0):\n  #000: H5D.c line 1061 in H5Dread(): can't read data\n" +
          "    major: Dataset\n  #001: H5Z.c line 1498 in H5Z_pipeline(): filter returned failure\n    major: x\n",
      );
    })
  );
  assertEquals(error.message, "a.h5: filter returned failure");
});
