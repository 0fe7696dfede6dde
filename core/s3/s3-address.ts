import { VtError } from '../base/errors.ts';

/** Where the objects of a Store lie. */
export interface S3Address {
  readonly bucket: string;
  /** What the keys begin with: empty, or with a slash at its end. */
  readonly prefix: string;
}

/**
 * Parses what stands behind `s3:`: `//BUCKET[/PREFIX]`.
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

/** How the bucket is named in a URL: in the path, or in the host's name. */
export type AddressStyle = 'path' | 'host';

/** How objects are reached. */
export interface S3Endpoint {
  /** The service, without the bucket. */
  readonly base: URL;
  readonly style: AddressStyle;
}

/**
 * The endpoint of a Store.
 *
 * @param given - a URL; default: that of AWS in the region
 * @param style - default: `path` where an endpoint is given or the bucket's name has a dot, which no certificate covers
 * @throws {VtError} EOPEN for what is no http or https URL
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

/** The URL of an object; of the bucket itself with the empty key. */
export function objectUrl({ base, style }: S3Endpoint, bucket: string, key: string): URL {
  const url = new URL(base);
  if (style === 'host') url.hostname = `${bucket}.${base.hostname}`;
  const path = key.split('/').map(encodeSegment).join('/');
  url.pathname += style === 'host' ? path : `${bucket}/${path}`;
  // What is signed is the bucket's path without a slash for none of its keys.
  if (style === 'path' && key === '') url.pathname = url.pathname.slice(0, -1);
  return url;
}

/** Escapes all but the unreserved characters, as the signature does. @see RFC 3986, 2.3 */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
