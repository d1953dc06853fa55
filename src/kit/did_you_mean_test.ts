import { assertEquals } from "../../tests/assert.ts";
import { didYouMean, editDistance, suggestion } from "./did_you_mean.ts";

const KEYS = ["dataset_name", "collected", "description", "attributes", "tags", "skip"];

Deno.test("typing errors are recognized, foreign words are not", () => {
  assertEquals(didYouMean("atributes", KEYS), "attributes");
  assertEquals(didYouMean("Dataset-Name", KEYS), "dataset_name");
  assertEquals(didYouMean("tgas", KEYS), "tags");
  assertEquals(didYouMean("tag", KEYS), "tags");
  assertEquals(didYouMean("temperature", KEYS), undefined);
  assertEquals(didYouMean("", KEYS), undefined);
  assertEquals(suggestion("skp", KEYS), ' (did you mean "skip"?)');
  assertEquals(suggestion("xyz", KEYS), "");
});

Deno.test("edit distance counts a swap of neighbours once", () => {
  assertEquals(editDistance("tags", "tgas"), 1);
  assertEquals(editDistance("kitten", "sitting"), 3);
  assertEquals(editDistance("", "abc"), 3);
});
