import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { ConnectionLostError, throwIfCancelled, VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { errorReason } from '../../base/system/system-error.ts';
import { DAMAGED, FAULT_HEADER } from '../headers.ts';
import type { HttpResponse } from './http-transport.ts';
import { HttpTransport, retryAfterMs } from './http-transport.ts';

/** Attempts per request, at most. */
const MAX_TRIES = 6;
/** Milliseconds before the second attempt; each further one waits twice as long. */
const FIRST_PAUSE_MS = 200;
/** Longest wait that a server may ask for, in milliseconds. */
const MAX_PAUSE_MS = 60_000;
const MAX_REDIRECTS = 3;

/** Statuses of temporary failures. @see RFC 9110, 15.6; RFC 6585, 4 */
const PATIENCE: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface HttpClientOptions {
  /** For messages. */
  readonly name: string;
  /** The base URL, with a slash at its end. */
  readonly base: URL;
  readonly token?: string | undefined;
  /** Certificates of trusted authorities, in PEM; default: those of Node. */
  readonly ca?: Buffer | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** Whether the server reports that the Block exists but is damaged. */
  readonly isDamaged: boolean;
  /** The entity tag of this content. */
  readonly etag?: string | undefined;
  /** The header `Content-Range`. */
  readonly contentRange?: string | undefined;
}

interface Asked {
  readonly url: URL;
  readonly method: string;
  readonly range?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  readonly maxSize: number;
  readonly signal: AbortSignal | undefined;
}

/** Sends requests to one server over persistent connections. Temporary failures are retried. */
export class HttpClient {
  readonly name: string;
  readonly #base: URL;
  readonly #token: string | undefined;
  readonly #transport: HttpTransport;

  constructor({ name, base, token, ca }: HttpClientOptions) {
    this.name = name;
    this.#base = base;
    this.#token = token;
    this.#transport = new HttpTransport({ name, ca });
  }

  /**
   * Requests a resource.
   *
   * @param path - relative to the base, without a slash at its start
   * @param options.range - a value for the header `Range`
   * @param options.maxSize - bytes of the body, at most
   * @param options.tries - attempts; default 6, over about 6 seconds and the waits that the server asks for
   * @returns an answer that a retry would not change
   * @throws {ConnectionLostError} if there was none
   * @throws {VtError} EPERM if a token is missing or lacks a right, EFAILED for too long a body, ECANCELLED
   */
  async get(
    path: string,
    options: OpOptions & { readonly method?: 'GET' | 'HEAD'; readonly range?: string; readonly maxSize: number; readonly tries?: number },
  ): Promise<Answer> {
    const { method = 'GET', range, maxSize, tries = MAX_TRIES, signal } = options;
    return await this.#untilAnswered({ url: new URL(path, this.#base), method, range, maxSize, signal }, tries);
  }

  /**
   * Sends a request with a body, like `get`. It must be safe to send twice, since an answer may be lost.
   *
   * @param options.body - must stay unchanged until the answer has come
   */
  async send(
    method: 'PUT' | 'POST',
    path: string,
    options: OpOptions & {
      readonly body: Uint8Array;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      readonly maxSize: number;
    },
  ): Promise<Answer> {
    const { body, headers, maxSize, signal } = options;
    return await this.#untilAnswered({ url: new URL(path, this.#base), method, headers, body, maxSize, signal }, MAX_TRIES);
  }

  async #untilAnswered(asked: Asked, tries: number): Promise<Answer> {
    const { signal } = asked;
    for (let tried = 1; ; tried++) {
      throwIfCancelled(signal);
      let waitMs = FIRST_PAUSE_MS * 2 ** (tried - 1);
      let fact: string;
      try {
        const { status, headers, body } = await this.#ask(asked, 0);
        const isDamaged = headers[FAULT_HEADER] === DAMAGED;
        if (status === 403 && reasonIn(body) !== '') throw new VtError('EPERM', `Store "${this.name}"${reasonIn(body)}`);
        if (status === 401 || status === 403)
          throw new VtError('EPERM', `ask "${this.name}": it needs a valid token (${status})`, { remedy: 'give token=FILE' });
        if (!PATIENCE.has(status) || isDamaged)
          return { status, body, isDamaged, etag: headers.etag, contentRange: headers['content-range'] };
        fact = `it answered with ${status}${reasonIn(body)}`;
        waitMs = Math.min(MAX_PAUSE_MS, retryAfterMs(headers) ?? waitMs);
      } catch (error) {
        if (error instanceof VtError) throw error;
        throwIfCancelled(signal);
        fact = errorReason(error);
      }
      if (tried >= tries) throw new ConnectionLostError(this.name, fact);
      await pause(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => throwIfCancelled(signal));
    }
  }

  async #ask(asked: Asked, redirects: number): Promise<HttpResponse> {
    const { url, method, range, headers: more, body, maxSize, signal } = asked;
    const isRedirect = (status: number, { location }: IncomingHttpHeaders): boolean =>
      body === undefined && REDIRECTS.has(status) && location !== undefined && redirects < MAX_REDIRECTS;
    const response = await this.#transport.ask({
      url,
      method,
      headers: {
        // Other hosts of a redirect do not get the token.
        ...(this.#token !== undefined && url.origin === this.#base.origin ? { authorization: `Bearer ${this.#token}` } : {}),
        ...(range === undefined ? {} : { range }),
        ...(body === undefined ? {} : { 'content-length': body.length }),
        ...more,
      },
      body,
      maxSize,
      // The body of a redirect may be endless, and so may a whole body if only a range was requested.
      readsBody: (status, headers) => !isRedirect(status, headers) && (range === undefined || status !== 200),
      signal,
    });
    const { status, headers } = response;
    if (!isRedirect(status, headers)) return response;
    return await this.#ask({ ...asked, url: new URL(headers.location ?? '', url) }, redirects + 1);
  }

  close(): void {
    this.#transport.close();
  }
}

/** The reason line of a vtftp server; '' for anything else. */
export function reasonIn(body: Buffer): string {
  return /^\d{3}(: [ -~]{1,200})\n$/.exec(body.toString('latin1', 0, 256))?.[1] ?? '';
}
