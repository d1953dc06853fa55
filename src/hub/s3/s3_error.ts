/** A request that an S3 store refused or did not answer. */

export class S3Error extends Error {
  override readonly name = "S3Error";

  /**
   * @param status HTTP status; 0 = no answer
   * @param code S3's error code, such as `NoSuchUpload`; empty when the reply has none
   */
  constructor(readonly status: number, readonly code: string, message: string, options?: ErrorOptions) {
    super(message, options);
  }

  /** Whether the request may have taken effect all the same, or may do so when it is repeated. */
  get isAmbiguous(): boolean {
    return this.status === 0 || this.status >= 500 || this.status === 200;
  }
}
