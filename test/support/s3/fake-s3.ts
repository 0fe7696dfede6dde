import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a service does with a condition of a PUT. */
export type Conditions = 'right' | 'refused' | 'ignored';

/** What is amiss with a service, as with one vendor's or another's. Each may be changed while it runs. */
export interface Faults {
  /** `If-None-Match` of a PUT. */
  conditions?: Conditions;
  /** So many of the next requests are answered with 503. */
  busy?: number;
  /** With 503, in seconds. */
  retryAfter?: number;
  /** So many of the next requests lose their connection after they were done. */
  cuts?: number;
  /** Milliseconds before each answer. */
  delayMs?: number;
  /** Octets that all objects may have. */
  quota?: number;
  /** Keys of which the next so many answers have a flipped bit. */
  flips?: { readonly key: RegExp; count: number };
  /** A listing lacks what the last so many requests have put. */
  lag?: number;
  /** Its clock is looked at: what is signed for a time 15 minutes off is refused. */
  checksTime?: boolean;
  /** Its region: what is signed for another one is refused, as AWS does. */
  region?: string;
  /** The token of keys that are lent; another one has expired. */
  token?: string;
  /** The bucket cannot lock objects. */
  lacksLock?: boolean;
  /** Knows no ranges: all of the object is sent. */
  noRanges?: boolean;
}

interface StoredObject {
  readonly body: Buffer;
  readonly modifiedMs: number;
  /** Which request put it. */
  readonly request: number;
  /** Until when it cannot be removed. */
  readonly lockedUntil?: string;
  /** What it is given with. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A bucket in memory behind HTTP, path-style, with the faults of vendors. What a client must not send it refuses. */
export class FakeS3 implements AsyncDisposable {
  readonly objects = new Map<string, StoredObject>();
  readonly faults: Faults;
  /** Requests by method, and LIST. */
  readonly counts: Record<string, number> = {};
  /** Requests that a client of ours must not make, with what is wrong with them. */
  readonly wrong: string[] = [];
  /** Called at each request. */
  readonly watchers = new Set<() => void>();
  /** How far its clock is ahead. */
  aheadMs = 0;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      this.wrong.push(String(error));
      response.destroy();
    });
  });
  #requests = 0;

  private constructor(faults: Faults) {
    this.faults = faults;
  }

  static async start(faults: Faults = {}): Promise<FakeS3> {
    const fake = new FakeS3(faults);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Keys that begin with a prefix, in order. */
  keys(prefix = ''): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  get #nowMs(): number {
    return Date.now() + this.aheadMs;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const number = ++this.#requests;
    for (const watch of this.watchers) watch();
    this.#inspect(request, body);
    if (this.faults.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, this.faults.delayMs));
    response.setHeader('date', new Date(this.#nowMs).toUTCString());
    const url = new URL(request.url ?? '', 'http://fake');
    const key = decodeURIComponent(url.pathname).replace(/^\/[^/]+\/?/, '');
    const kind = key === '' && request.method === 'GET' ? 'LIST' : (request.method ?? '');
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    if ((this.faults.busy ?? 0) > 0) {
      this.faults.busy = (this.faults.busy ?? 0) - 1;
      if (this.faults.retryAfter !== undefined) response.setHeader('retry-after', String(this.faults.retryAfter));
      refuse(response, 503, 'SlowDown', 'Please reduce your request rate.');
      return;
    }
    if (this.#refusesSigner(request, response)) return;
    const answer = url.searchParams.has('object-lock')
      ? this.#lockOfBucket()
      : kind === 'LIST'
        ? this.#list(url, number)
        : this.#do(request, key, body, number);
    if ((this.faults.cuts ?? 0) > 0) {
      this.faults.cuts = (this.faults.cuts ?? 0) - 1;
      response.destroy();
      return;
    }
    answer(response);
  }

  /** Refuses what is signed by expired keys, for another region or another time. */
  #refusesSigner({ headers, method }: IncomingMessage, response: ServerResponse): boolean {
    const { checksTime, region, token } = this.faults;
    const [, signedFor = ''] = /Credential=[^/]*\/\d{8}\/([^/]*)\//.exec(headers.authorization ?? '') ?? [];
    if (region !== undefined && signedFor !== region) {
      response.setHeader('x-amz-bucket-region', region);
      if (method === 'PUT') refuse(response, 301, 'PermanentRedirect', 'The bucket must be addressed by another endpoint.');
      else refuse(response, 400, 'AuthorizationHeaderMalformed', `The region "${signedFor}" is wrong; expecting "${region}".`);
      return true;
    }
    if (token !== undefined && headers['x-amz-security-token'] !== token) {
      refuse(response, 400, 'ExpiredToken', 'The provided token has expired.');
      return true;
    }
    const [, date = '', time = ''] = /^(\d{8})T(\d{6})Z$/.exec(String(headers['x-amz-date'])) ?? [];
    const signedMs = Date.parse(
      `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4)}Z`,
    );
    if (checksTime !== true || Math.abs(signedMs - this.#nowMs) < MAX_SKEW_MS) return false;
    refuse(response, 403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.');
    return true;
  }

  /** What a client must not do: it breaks one vendor or another. */
  #inspect({ headers, method, url }: IncomingMessage, body: Buffer): void {
    const signed = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1] ?? '';
    const strange = signed.split(';').filter((name) => name !== 'host' && !name.startsWith('x-amz-'));
    if (signed === '' || strange.length > 0) this.wrong.push(`${method} ${url}: signs ${signed}`);
    if (headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex'))
      this.wrong.push(`${method} ${url}: another hash`);
    const isLocking = LOCK_UNTIL in headers || /[?&]retention=/.test(url ?? '');
    if (isLocking && headers['content-md5'] !== createHash('md5').update(body).digest('base64'))
      this.wrong.push(`${method} ${url}: no MD5`);
    for (const name of Object.keys(headers))
      if (/checksum|x-amz-sdk|^trailer|transfer-encoding/.test(name) || (name === 'content-md5' && !isLocking))
        this.wrong.push(`${method} ${url}: ${name}`);
  }

  #do({ method, headers, url }: IncomingMessage, key: string, body: Buffer, request: number): (response: ServerResponse) => void {
    if (/[?&]retention=/.test(url ?? '')) return this.#retain(key, body);
    if (method === 'PUT') return this.#put(key, body, request, headers);
    if (method === 'DELETE') {
      const until = this.objects.get(key)?.lockedUntil;
      if (until !== undefined && Date.parse(until) > this.#nowMs)
        return (response) => refuse(response, 403, 'AccessDenied', 'Access Denied because object protected by object lock.');
      this.objects.delete(key);
      return (response) => void response.writeHead(204).end();
    }
    const found = this.objects.get(key);
    if (found === undefined) return (response) => refuse(response, 404, 'NoSuchKey', 'The specified key does not exist.');
    return (response) => this.#give(response, key, found, this.faults.noRanges === true ? undefined : headers.range);
  }

  #lockOfBucket(): (response: ServerResponse) => void {
    if (this.faults.lacksLock === true)
      return (response) => refuse(response, 404, 'ObjectLockConfigurationNotFoundError', 'Object Lock configuration does not exist.');
    return (response) => void response.writeHead(200).end('<ObjectLockConfiguration/>');
  }

  #retain(key: string, body: Buffer): (response: ServerResponse) => void {
    const found = this.objects.get(key);
    const [, lockedUntil] = /<RetainUntilDate>([^<]*)</.exec(body.toString()) ?? [];
    if (found === undefined) return (response) => refuse(response, 404, 'NoSuchKey', 'The specified key does not exist.');
    if (lockedUntil !== undefined) this.objects.set(key, { ...found, lockedUntil });
    return (response) => void response.writeHead(200).end();
  }

  #put(key: string, body: Buffer, request: number, given: IncomingMessage['headers']): (response: ServerResponse) => void {
    const { conditions = 'right', quota } = this.faults;
    const isConditional = given['if-none-match'] === '*';
    if (isConditional && conditions === 'refused')
      return (response) => refuse(response, 501, 'NotImplemented', 'A header implies functionality that is not implemented.');
    if (isConditional && conditions === 'right' && this.objects.has(key))
      return (response) => refuse(response, 412, 'PreconditionFailed', 'At least one of the preconditions did not hold.');
    if (quota !== undefined) {
      const size = [...this.objects.values()].reduce((sum, object) => sum + object.body.length, body.length);
      if (size > quota) return (response) => refuse(response, 403, 'QuotaExceeded', 'The quota is used up.');
    }
    const headers = Object.fromEntries(GIVEN_BACK.flatMap((name) => (given[name] === undefined ? [] : [[name, String(given[name])]])));
    const lock = given[LOCK_UNTIL];
    this.objects.set(key, {
      body,
      modifiedMs: this.#nowMs,
      request,
      headers,
      ...(typeof lock === 'string' ? { lockedUntil: lock } : {}),
    });
    return (response) => void response.writeHead(200, { etag: tagOf(body) }).end();
  }

  #give(response: ServerResponse, key: string, { body: whole, headers = {} }: StoredObject, range: string | undefined): void {
    let body = whole;
    const { flips } = this.faults;
    const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
    if (first !== undefined) {
      const start = first === '' ? Math.max(0, whole.length - Number(last)) : Number(first);
      const end = first === '' || last === '' ? whole.length : Math.min(whole.length, Number(last) + 1);
      if (start >= whole.length) {
        refuse(response, 416, 'InvalidRange', 'The requested range cannot be satisfied.');
        return;
      }
      body = whole.subarray(start, end);
      response.setHeader('content-range', `bytes ${start}-${end - 1}/${whole.length}`);
    }
    if (flips !== undefined && flips.count > 0 && flips.key.test(key)) {
      flips.count--;
      body = Buffer.from(body);
      const middle = body.length >>> 1;
      body[middle] = (body[middle] ?? 0) ^ 1;
    }
    response.writeHead(first === undefined ? 200 : 206, { ...headers, etag: tagOf(whole) }).end(body);
  }

  #list({ searchParams }: URL, request: number): (response: ServerResponse) => void {
    const prefix = searchParams.get('prefix') ?? '';
    const delimiter = searchParams.get('delimiter');
    const after = searchParams.get('continuation-token') ?? '';
    const { lag = 0 } = this.faults;
    const lines: string[] = [];
    let last = '';
    let isTruncated = false;
    for (const key of this.keys(prefix)) {
      const object = this.objects.get(key);
      if (object === undefined || object.request >= request - lag || key <= after) continue;
      const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
      const folder = end < 0 ? undefined : key.slice(0, end + 1);
      if (folder !== undefined && after.startsWith(folder)) continue;
      const line =
        folder === undefined
          ? `<Contents><Key>${escapeXml(key)}</Key><LastModified>${new Date(object.modifiedMs).toISOString()}</LastModified><ETag>${escapeXml(tagOf(object.body))}</ETag><Size>${object.body.length}</Size></Contents>`
          : `<CommonPrefixes><Prefix>${escapeXml(folder)}</Prefix></CommonPrefixes>`;
      if (lines.at(-1) === line) continue;
      if (lines.length === PAGE) {
        isTruncated = true;
        break;
      }
      lines.push(line);
      last = key;
    }
    const more = isTruncated ? `<NextContinuationToken>${escapeXml(last)}</NextContinuationToken>` : '';
    const xml = `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${more}${lines.join('')}</ListBucketResult>`;
    return (response) => void response.writeHead(200, { 'content-type': 'application/xml' }).end(xml);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.resolve();
  }
}

/** Headers of an object that come back with it. */
const GIVEN_BACK = ['cache-control', 'content-type'];

/** The header of a PUT that locks. */
const LOCK_UNTIL = 'x-amz-object-lock-retain-until-date';

/** Milliseconds that the time of a request may be off. */
const MAX_SKEW_MS = 15 * 60_000;

/** Keys in a page of a listing: few, so that tests meet more than one. */
const PAGE = 20;

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);
}

/** A service knows the tag of what it has: to make it at each look would take longer than the answer. */
const tags = new WeakMap<Buffer, string>();

function tagOf(body: Buffer): string {
  const tag = tags.get(body) ?? `"${createHash('md5').update(body).digest('hex')}"`;
  tags.set(body, tag);
  return tag;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
