import { VtError } from '../base/errors.ts';

/** The bucket and prefix of a Store. */
export interface S3Address {
  readonly bucket: string;
  /** The prefix of all keys: empty, or ending with a slash. */
  readonly prefix: string;
}

/**
 * Parses the text after `s3:`: `//BUCKET[/PREFIX]`.
 *
 * @throws {VtError} EOPEN for anything else
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function parseS3Address(text: string, store: string): S3Address {
  const [, bucket, path = ''] = /^\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,62})(\/[^?#]*)?$/.exec(text) ?? [];
  const segments = path.split('/').filter((segment) => segment !== '');
  if (bucket === undefined || segments.some((segment) => segment === '.' || segment === '..'))
    throw new VtError('EOPEN', `open Store "${store}": expected s3://BUCKET/PREFIX`);
  return { bucket, prefix: segments.map((segment) => `${segment}/`).join('') };
}

/** The place of the bucket's name in a URL: in the path, or in the host name. */
export type AddressStyle = 'path' | 'host';

/** How to make URLs of objects. */
export interface S3Endpoint {
  /** The service, without the bucket. */
  readonly base: URL;
  readonly style: AddressStyle;
}

/**
 * Finds the endpoint of a Store.
 *
 * @param given - a URL; default: AWS's endpoint in the region
 * @param style - default: `path` if an endpoint is given, or if the bucket's name has a dot, which no certificate covers
 * @throws {VtError} EOPEN if it is no http or https URL
 */
export function s3Endpoint(
  given: string | undefined,
  style: AddressStyle | undefined,
  { region, bucket, store }: { readonly region: string; readonly bucket: string; readonly store: string },
): S3Endpoint {
  const text = given ?? `https://s3.${region}.amazonaws.com`;
  const base = URL.canParse(text) ? new URL(text) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '' || base.search !== '' || base.hash !== '')
    throw new VtError('EOPEN', `open Store "${store}": expected a URL for endpoint, found "${text}"`, {
      remedy: 'write it as endpoint=https://HOST[:PORT]',
    });
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return { base, style: style ?? (given !== undefined || bucket.includes('.') ? 'path' : 'host') };
}

/** The URL of an object, or of the bucket itself if the key is empty. */
export function objectUrl({ base, style }: S3Endpoint, bucket: string, key: string): URL {
  const url = new URL(base);
  if (style === 'host') url.hostname = `${bucket}.${base.hostname}`;
  const path = key.split('/').map(encodeSegment).join('/');
  url.pathname += style === 'host' ? path : `${bucket}/${path}`;
  // The signature of a bucket request covers the path without a final slash.
  if (style === 'path' && key === '') url.pathname = url.pathname.slice(0, -1);
  return url;
}

/** Escapes all except the unreserved characters, as the signature requires. @see RFC 3986, 2.3 */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
