/** For tests: a module that fails while it is imported. */
throw new Error("broken on purpose");
