import aws4 from 'aws4';
import { encodeSegment } from './s3-address.ts';

/** The keys that requests are signed with. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** A request to sign. */
export interface UnsignedRequest {
  readonly method: string;
  readonly url: URL;
  readonly region: string;
  /** SHA-256 of the body, in hex. */
  readonly bodyHash: string;
  readonly now: Date;
  /** Further `x-amz-*` headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** SHA-256 of the empty body, in hex. */
export const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * Makes the headers that sign a request. Only `host` and `x-amz-*` are signed: proxies may change other headers.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function signedHeaders({ method, url, region, bodyHash, now, headers = {} }: UnsignedRequest, keys: S3Keys): Record<string, string> {
  const signed = aws4.sign(
    {
      service: 's3',
      region,
      method,
      host: url.host,
      path: url.pathname + url.search,
      headers: {
        ...headers,
        host: url.host,
        'x-amz-content-sha256': bodyHash,
        'x-amz-date': now.toISOString().replace(/[-:]|\.\d+/g, ''),
        ...(keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }),
      },
    },
    { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey },
  );
  return Object.fromEntries(Object.entries(signed.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/** Formats a query in the order and with the escapes that the signature requires. */
export function queryOf(parameters: Readonly<Record<string, string>>): string {
  const names = Object.keys(parameters).sort();
  return names.length === 0 ? '' : `?${names.map((name) => `${encodeSegment(name)}=${encodeSegment(parameters[name] ?? '')}`).join('&')}`;
}
