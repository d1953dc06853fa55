/** What is used of aws4, https://github.com/mhart/aws4. */
declare namespace aws4 {
  interface Request {
    host: string;
    /** With its query; encoded. */
    path: string;
    method: string;
    service: string;
    region: string;
    /** Sign in the query instead of in the headers. */
    signQuery?: boolean;
    headers?: Record<string, string | number>;
    body?: string;
  }

  interface Credentials {
    accessKeyId: string;
    secretAccessKey: string;
  }

  /** Signs at once. @returns the request itself, with its signature in path or headers */
  function sign<R extends Request>(request: R, credentials: Credentials): R;
}

export default aws4;
