/** Which images of a dataset become thumbnails (F16). */
import { IMAGE_SUFFIXES } from "../../src/kit/images/decode_image.ts";
import type { DraftLog, ThumbnailRequest } from "../../src/kit/drafts.ts";
import type { WalkedEntry } from "../../src/kit/folder_walk.ts";
import { compileShellPattern, isShellPattern } from "../../src/kit/shell_pattern.ts";

const MAX_IMAGES = 10;

/**
 * Resolves the key `thumbnails` against the files of the dataset: paths in the order given, within a pattern
 * alphabetical, each image once. Only files that belong to the dataset can be named.
 */
export function requestThumbnails(
  wanted: string[],
  files: WalkedEntry[],
): { thumbnails: ThumbnailRequest[]; logs: DraftLog[] } {
  const found = new Map<string, ThumbnailRequest>();
  const logs: DraftLog[] = [];
  const byName = new Map(files.map((file) => [file.name, file]));
  for (const text of wanted) {
    const literal = byName.get(text.normalize("NFC").replace(/^\.\//, ""));
    if (literal) found.set(literal.path, { path: literal.path, literal: true });
    else if (isShellPattern(text)) {
      const pattern = compileShellPattern(text);
      for (const { name, path } of files) {
        if (isImage(name) && pattern.matches(name) && !found.has(path)) {
          found.set(path, { path, literal: false });
        }
      }
    } else {
      logs.push({ code: "thumbnail_failed", message: `thumbnail ${text}: it is missing, hidden or skipped` });
    }
  }
  const thumbnails = [...found.values()];
  if (thumbnails.length > MAX_IMAGES) {
    const rest = thumbnails.length - MAX_IMAGES;
    logs.push({ code: "thumbnails_limited", message: `${rest} more images than the ${MAX_IMAGES} allowed` });
  }
  return { thumbnails: thumbnails.slice(0, MAX_IMAGES), logs };
}

function isImage(name: string): boolean {
  return IMAGE_SUFFIXES.some((suffix) => name.toLowerCase().endsWith(suffix));
}
