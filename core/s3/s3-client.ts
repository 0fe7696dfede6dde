import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ConnectionLostError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { errorReason } from '../base/system/system-error.ts';
import type { HttpResponse } from '../http/client/http-transport.ts';
import { HttpTransport, retryAfterMs } from '../http/client/http-transport.ts';
import type { RequestCosts } from '../store/capabilities.ts';
import { RequestLimit } from './request-limit.ts';
import type { Retention } from './retention.ts';
import type { S3Address, S3Endpoint } from './s3-address.ts';
import { objectUrl } from './s3-address.ts';
import { isFull, isPatient, refusalOf, refusalText, regionOf } from './s3-errors.ts';
import type { S3Keys } from './sign-request.ts';
import { EMPTY_HASH, queryOf, signedHeaders } from './sign-request.ts';

/** Default for `budgetMs`: 15 minutes. */
const BUDGET_MS = 15 * 60_000;
/** The same before the first response: the address may be wrong. */
const FIRST_BUDGET_MS = 15_000;
/** Milliseconds before the first retry; each further pause is twice as long, up to a maximum. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 20_000;
/** Maximum octets of an object: a service without range support sends the whole object. */
const MAX_OBJECT_SIZE = 128 * 1024 * 1024;
/** Headers for immutable objects, whose names are hashes or random. The content type prevents that a browser runs them. */
const FOREVER = { 'cache-control': 'public, max-age=31536000, immutable', 'content-type': 'application/octet-stream' };
/** Maximum octets of a response that is no object. */
const MAX_ANSWER_SIZE = 16 * 1024 * 1024;

/** Options of {@link S3Client}. */
export interface S3ClientOptions {
  /** Name of the Store, for messages. */
  readonly name: string;
  readonly address: S3Address;
  /** The endpoint for a region. */
  readonly endpoint: (region: string) => S3Endpoint;
  /** The bucket's region; the service may correct it. */
  readonly region: string;
  /** Returns valid keys; undefined for a public bucket. `refused`: keys that the service refused as expired. */
  readonly keys: (refused?: S3Keys) => Promise<S3Keys | undefined>;
  readonly ca?: Buffer | undefined;
  /** How long objects are protected from removal; default: not at all. */
  readonly retention?: Retention | undefined;
  /** Milliseconds in which a failing request is retried; default 15 minutes. */
  readonly budgetMs?: number | undefined;
}

interface S3Request extends OpOptions {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly key: string;
  readonly kind: 'puts' | 'gets' | 'lists' | 'deletes';
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly maxSize?: number;
  readonly roomFor?: ((size: number) => Buffer) | undefined;
}

/** The keys and region that a request is signed with. */
interface Signer {
  readonly keys: S3Keys | undefined;
  readonly region: string;
}

/** Accesses the objects of one Store in a bucket. Keys are without the Store's prefix. Retries temporary failures. */
export class S3Client {
  readonly name: string;
  readonly #options: S3ClientOptions;
  readonly #transport: HttpTransport;
  readonly #limit = new RequestLimit();
  readonly #costs = { puts: 0, gets: 0, lists: 0, deletes: 0, sentBytes: 0, receivedBytes: 0 };
  #region: string;
  #hasAnswered = false;
  /** How far the service's clock is ahead of ours, and its time at its last response. */
  #aheadMs = 0;
  #serverMs = 0;

  constructor(options: S3ClientOptions) {
    this.name = options.name;
    this.#options = options;
    this.#region = options.region;
    this.#transport = new HttpTransport({ name: options.name, ca: options.ca });
  }

  /** Requests and octets since this client was created. */
  costs(): RequestCosts {
    return { ...this.#costs };
  }

  /** How long objects are protected from removal; undefined if they are not. */
  get retention(): Retention | undefined {
    return this.#options.retention;
  }

  #lastingHeaders(key: string, body: Uint8Array): Readonly<Record<string, string>> {
    return this.retention?.headersFor(key, body, this.#nowMs) ?? {};
  }

  /** The service's time at its last response, or ours before the first. */
  get #nowMs(): number {
    return this.#serverMs === 0 ? Date.now() : this.#serverMs;
  }

  /** The service's time at its last response, in milliseconds since 1970; 0 before the first. */
  get serverMs(): number {
    return this.#serverMs;
  }

  /**
   * Stores a whole object; replaces an existing one.
   *
   * @param options - `isForever`: the object never changes, so caches in front of the bucket may keep it
   */
  async put(key: string, body: Uint8Array, options: OpOptions & { readonly isForever?: boolean } = {}): Promise<void> {
    const { signal, isForever } = options;
    const headers = { ...(isForever === true ? FOREVER : {}), ...this.#lastingHeaders(key, body) };
    const response = await this.#ask({ method: 'PUT', key, kind: 'puts', body, signal, headers });
    if (response.status !== 200) throw this.#refused(`put object "${key}" into`, response);
  }

  /**
   * Stores an object unless the key exists. Some services do not support the condition: they ignore or refuse it.
   *
   * @returns false if the key existed
   */
  async putNew(key: string, body: Uint8Array, options: OpOptions = {}): Promise<boolean> {
    const headers = { 'if-none-match': '*', ...this.#lastingHeaders(key, body) };
    const response = await this.#ask({ method: 'PUT', key, kind: 'puts', body, headers, ...options });
    if (response.status === 200) return true;
    if (response.status === 412) return false;
    if (response.status !== 501 && refusalOf(response).code !== 'NotImplemented') throw this.#refused(`put object "${key}" into`, response);
    await this.put(key, body, options);
    return true;
  }

  /** Whether the bucket can protect objects from removal. */
  async hasObjectLock(options: OpOptions = {}): Promise<boolean> {
    const response = await this.#ask({ method: 'GET', key: '', kind: 'gets', query: { 'object-lock': '' }, ...options });
    if (response.status === 200) return true;
    if (refusalOf(response).code === 'ObjectLockConfigurationNotFoundError') return false;
    throw this.#refused('look for Object Lock of', response);
  }

  /** Renews an object's retention for the full time from now on. A missing object is no error. */
  async retain(key: string, options: OpOptions = {}): Promise<void> {
    if (this.retention === undefined) return;
    const { body, headers } = this.retention.renewal(this.#nowMs);
    const response = await this.#ask({ method: 'PUT', key, kind: 'puts', query: { retention: '' }, body, headers, ...options });
    if (response.status !== 200 && response.status !== 204 && response.status !== 404)
      throw this.#refused(`renew the lock of object "${key}" in`, response);
  }

  /**
   * Gets an object or a range of it; undefined if it does not exist.
   *
   * @param options - `range`: first octet, and the one after the last; a shorter object returns fewer octets. `roomFor`: provides the
   * memory for a large response, once per attempt; default: new memory
   */
  async get(
    key: string,
    options: OpOptions & {
      readonly range?: readonly [start: number, end: number];
      readonly maxSize: number;
      readonly roomFor?: (size: number) => Buffer;
    },
  ): Promise<Buffer | undefined> {
    const { range, roomFor, signal } = options;
    const maxSize = Math.max(options.maxSize, MAX_OBJECT_SIZE);
    const headers = range === undefined ? {} : { range: `bytes=${range[0]}-${range[1] - 1}` };
    const response = await this.#ask({ method: 'GET', key, kind: 'gets', headers, maxSize, roomFor, signal });
    if (response.status === 206 && range !== undefined) return response.body;
    // A service without ranges sends the whole object.
    if (response.status === 200) return range === undefined ? response.body : response.body.subarray(range[0], range[1]);
    if (response.status === 404 && refusalOf(response).code !== 'NoSuchBucket') return undefined;
    if (response.status === 416) return Buffer.alloc(0);
    throw this.#refused(`get object "${key}" from`, response);
  }

  /** Gets the end of an object, and its total octets; undefined if it does not exist. */
  async getTail(
    key: string,
    size: number,
    options: OpOptions = {},
  ): Promise<{ readonly data: Buffer; readonly totalSize: number } | undefined> {
    const response = await this.#ask({
      method: 'GET',
      key,
      kind: 'gets',
      headers: { range: `bytes=-${size}` },
      maxSize: MAX_OBJECT_SIZE,
      ...options,
    });
    const { status, body, headers } = response;
    if (status === 200) return { data: body, totalSize: body.length };
    if (status === 404) return undefined;
    if (status === 416) return { data: Buffer.alloc(0), totalSize: 0 };
    if (status === 206) return { data: body, totalSize: Number(/\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? body.length) };
    throw this.#refused(`get object "${key}" from`, response);
  }

  /** Whether an object exists. */
  async has(key: string, options: OpOptions = {}): Promise<boolean> {
    return (await this.get(key, { ...options, range: [0, 1], maxSize: 1 })) !== undefined;
  }

  /** Removes an object. A missing one is no error. @returns false if the service keeps it because of a lock or a legal hold */
  async delete(key: string, options: OpOptions = {}): Promise<boolean> {
    const response = await this.#ask({ method: 'DELETE', key, kind: 'deletes', ...options });
    if (response.status === 200 || response.status === 204 || response.status === 404) return true;
    const refusal = refusalOf(response);
    if (response.status === 403 && /lock|retention|hold|worm/i.test(refusal.message + refusal.code)) return false;
    throw this.#refused(`remove object "${key}" from`, response);
  }

  /** Gets one page of a listing, as XML. */
  async list(parameters: Readonly<Record<string, string>>, options: OpOptions = {}): Promise<string> {
    const query = { 'list-type': '2', ...parameters, prefix: this.#options.address.prefix + (parameters.prefix ?? '') };
    const response = await this.#ask({ method: 'GET', key: '', kind: 'lists', query, ...options });
    if (response.status !== 200) throw this.#refused('list', response);
    return response.body.toString();
  }

  /** The Store's prefix, which keys in listings include. */
  get prefix(): string {
    return this.#options.address.prefix;
  }

  async #ask(request: S3Request): Promise<HttpResponse> {
    const { signal } = request;
    const startMs = performance.now();
    let isRefreshed = false;
    let isMoved = false;
    let expired: S3Keys | undefined;
    let used: Signer = { keys: undefined, region: this.#region };
    for (let tried = 1; ; tried++) {
      throwIfCancelled(signal);
      let waitMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tried - 1, 10)) * (0.5 + Math.random() / 2);
      let fact: string;
      const outcome = await this.#limit.run(async (refused) => {
        const found = await this.#try(request, expired, (signer) => {
          used = signer;
        });
        if (!(found instanceof Error) && isPatient(refusalOf(found))) refused();
        return found;
      });
      if (outcome instanceof Error) {
        if (outcome instanceof VtError) throw outcome;
        throwIfCancelled(signal);
        fact = errorReason(outcome);
      } else {
        const refusal = refusalOf(outcome);
        if (outcome.status < 400 && regionOf(outcome) === undefined) return outcome;
        if (isFull(refusal))
          throw new VtError('EFULL', `write to "${this.name}": ${refusalText(refusal)}`, { remedy: 'free space, or raise the quota' });
        const region = regionOf(outcome);
        if (!isMoved && region !== undefined && region !== used.region) {
          isMoved = true;
          this.#region = region;
          continue;
        }
        const mends = !isRefreshed && /^(ExpiredToken|TokenRefreshRequired|RequestTimeTooSkewed)$/.test(refusal.code);
        if (!mends && !isPatient(refusal)) return outcome;
        if (mends) {
          isRefreshed = true;
          if (refusal.code !== 'RequestTimeTooSkewed') expired = used.keys;
          continue;
        }
        fact = refusalText(refusal);
        waitMs = Math.max(waitMs, Math.min(retryAfterMs(outcome.headers) ?? 0, MAX_PAUSE_MS * 3));
      }
      const budgetMs = Math.min(this.#options.budgetMs ?? BUDGET_MS, this.#hasAnswered ? BUDGET_MS : FIRST_BUDGET_MS);
      if (performance.now() - startMs + waitMs > budgetMs) throw new ConnectionLostError(this.name, fact);
      await pause(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => throwIfCancelled(signal));
    }
  }

  /**
   * Sends a request once.
   *
   * @param refused - keys that have expired
   * @param onSigned - called with the keys and region of the signature
   * @returns the response, or the error of the transfer
   */
  async #try(request: S3Request, refused: S3Keys | undefined, onSigned: (signer: Signer) => void): Promise<HttpResponse | Error> {
    const { method, key, kind, query = {}, headers = {}, body, maxSize = MAX_ANSWER_SIZE, roomFor, signal } = request;
    const { address, keys } = this.#options;
    const region = this.#region;
    const url = objectUrl(this.#options.endpoint(region), address.bucket, key === '' ? '' : address.prefix + key);
    url.search = queryOf(query);
    try {
      const signer = await keys(refused);
      onSigned({ keys: signer, region });
      const bodyHash = body === undefined ? EMPTY_HASH : await hashOf(body);
      const now = new Date(Date.now() + this.#aheadMs);
      const signed =
        signer === undefined ? {} : signedHeaders({ method, url, region, bodyHash, now, headers: amazonOnly(headers) }, signer);
      this.#costs[kind]++;
      this.#costs.sentBytes += body?.length ?? 0;
      const length = method === 'PUT' ? { 'content-length': String(body?.length ?? 0) } : {};
      const response = await this.#transport.ask({
        url,
        method,
        headers: { ...headers, ...length, ...signed },
        body,
        maxSize,
        roomFor,
        signal,
      });
      this.#costs.receivedBytes += response.body.length;
      this.#hasAnswered = true;
      this.#noteTime(response);
      return response;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #noteTime({ headers }: HttpResponse): void {
    const ms = new Date(headers.date ?? '').getTime();
    if (Number.isNaN(ms)) return;
    this.#serverMs = ms;
    // Services refuse requests whose time is some minutes off, so use their time: our clock may be wrong.
    const aheadMs = ms - Date.now();
    this.#aheadMs = Math.abs(aheadMs) > 60_000 ? aheadMs : 0;
  }

  #refused(action: string, response: HttpResponse): VtError {
    const refusal = refusalOf(response);
    const message = `${action} "${this.name}": ${refusalText(refusal)}`;
    const { code, status } = refusal;
    if (code === 'NoSuchBucket') return new VtError('EOPEN', message, { remedy: 'make the bucket first' });
    if (status === 301 || code === 'AuthorizationHeaderMalformed') {
      return new VtError('EOPEN', message, { remedy: `give region=${regionOf(response) ?? 'NAME'}` });
    }
    if (status === 401 || status === 403)
      return new VtError('EPERM', message, { remedy: 'check the keys and their rights in this bucket' });
    return new VtError('EFAILED', message);
  }

  close(): void {
    this.#transport.close();
  }
}

/** The headers that have to be signed. */
function amazonOnly(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-')));
}

/** Bodies with more octets than this are hashed by another thread: a pack of 16 MiB takes some 25 ms. */
const THREADED_SIZE = 256 * 1024;

async function hashOf(body: Uint8Array): Promise<string> {
  if (body.length < THREADED_SIZE) return createHash('sha256').update(body).digest('hex');
  return Buffer.from(await crypto.subtle.digest('SHA-256', body)).toString('hex');
}
