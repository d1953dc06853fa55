/** The parts of an upload that are safely stored, and how far they go without a gap. */
import type { MultipartUpload, UploadCatalogue, UploadPart } from "../catalogue.ts";
import { invalidPart } from "../hub_error.ts";
import { partCount, partRange } from "../part_size.ts";

export class RecordedParts {
  private constructor(
    private readonly upload: MultipartUpload,
    private readonly uploads: UploadCatalogue,
    private readonly parts: Map<number, UploadPart>,
  ) {}

  static async read(upload: MultipartUpload, uploads: UploadCatalogue): Promise<RecordedParts> {
    const parts = await uploads.parts(upload.id);
    return new RecordedParts(upload, uploads, new Map(parts.map((part) => [part.number, part])));
  }

  get(number: number): UploadPart | undefined {
    return this.parts.get(number);
  }

  /** @returns the part that it replaces */
  async record(part: UploadPart): Promise<UploadPart | undefined> {
    await this.uploads.recordPart(this.upload.id, part);
    const earlier = this.parts.get(part.number);
    this.parts.set(part.number, part);
    return earlier;
  }

  /** Parts that lie in files of their own. */
  aside(): (UploadPart & { place: string })[] {
    return [...this.parts.values()].flatMap((part) =>
      part.place === null ? [] : [{ ...part, place: part.place }]
    );
  }

  /** End of the bytes that are at their places without a gap from the first one on. */
  get prefix(): number {
    let number = 0;
    while (this.parts.get(number + 1)?.place === null) number++;
    if (number === 0) return 0;
    const { start, length } = partRange(this.upload, number);
    return start + length;
  }

  /** @throws HubError 400 unless these are the ETags of all parts of the upload in order, quotes allowed */
  require(etags: string[]): void {
    const count = partCount(this.upload);
    if (etags.length !== count) throw invalidPart(`the upload has ${count} parts, not ${etags.length}`);
    for (const [i, etag] of etags.entries()) {
      const part = this.parts.get(i + 1);
      if (!part) throw invalidPart(`part ${i + 1} has not been uploaded`);
      if (etag.replaceAll('"', "").toLowerCase() !== part.md5) {
        throw invalidPart(`the ETag of part ${i + 1} is "${part.md5}", not ${etag}`);
      }
    }
  }
}
