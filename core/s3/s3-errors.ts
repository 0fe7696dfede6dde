import type { HttpResponse } from '../http/client/http-transport.ts';

/** A service's error response. */
export interface S3Refusal {
  readonly status: number;
  /** The error code, as `NoSuchKey`; '' if there is none. */
  readonly code: string;
  readonly message: string;
}

/** Parses the XML of an error response. @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function refusalOf({ status, body }: HttpResponse): S3Refusal {
  // An object's bytes could look like an error.
  if (status >= 200 && status < 300) return { status, code: '', message: '' };
  const text = body.toString('utf8', 0, 8192);
  return { status, code: elementOf(text, 'Code') ?? '', message: (elementOf(text, 'Message') ?? '').slice(0, 300) };
}

/** Describes an error response. */
export function refusalText({ status, code, message }: S3Refusal): string {
  const words = [code, message].filter((word) => word !== '').join(': ');
  return words === '' ? `the service answered with ${status}` : `the service answered with ${status} (${words})`;
}

/**
 * The bucket's region, if an error response names a different one.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, "AuthorizationHeaderMalformed", "PermanentRedirect"
 */
export function regionOf(response: HttpResponse): string | undefined {
  const { status, headers, body } = response;
  if (status !== 301 && status !== 307 && (status !== 400 || refusalOf(response).code !== 'AuthorizationHeaderMalformed')) return undefined;
  const said = headers['x-amz-bucket-region'] ?? elementOf(body.toString('utf8', 0, 8192), 'Region');
  return typeof said === 'string' && /^[a-z0-9-]{1,40}$/.test(said) ? said : undefined;
}

/** The text of the first element with this name that contains only text. */
export function elementOf(xml: string, name: string): string | undefined {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return found === undefined ? undefined : unescapeXml(found);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Error codes of temporary failures, whatever the status is. */
const PATIENT_CODES: ReadonlySet<string> = new Set([
  'SlowDown',
  'InternalError',
  'RequestTimeout',
  'ServiceUnavailable',
  'OperationAborted',
]);
/** @see RFC 9110, 15.6; RFC 6585, 4 */
const PATIENT_STATUSES: ReadonlySet<number> = new Set([408, 409, 429, 500, 502, 503, 504]);
/** Error codes for an exhausted quota or a full disk in Ceph, MinIO, Garage, Wasabi and B2. */
const FULL_CODES: ReadonlySet<string> = new Set([
  'QuotaExceeded',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'InsufficientStorage',
  'StorageCapExceeded',
  'cap_exceeded',
]);

/** Whether a retry may help. */
export function isPatient({ status, code }: S3Refusal): boolean {
  return !isFull({ status, code, message: '' }) && (PATIENT_STATUSES.has(status) || PATIENT_CODES.has(code));
}

/** Whether the service has no space left: a retry does not help. */
export function isFull({ status, code }: S3Refusal): boolean {
  return status === 507 || FULL_CODES.has(code);
}
