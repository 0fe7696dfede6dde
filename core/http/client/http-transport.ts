import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { throwIfCancelled, VtError } from '../../base/errors.ts';
import { onAbort } from '../../base/on-abort.ts';
import { GatheredBody } from './gathered-body.ts';

/** Connections to one server, at most; further requests wait. */
const MAX_CONNECTIONS = 32;
/** Bytes of an announced answer for which memory is allocated at once, at most. */
const MAX_EXPECTED_SIZE = 64 * 1024 * 1024;
/** Milliseconds without any data after which a request fails. */
const SILENCE_MS = 30_000;

export interface HttpTransportOptions {
  /** For messages. */
  readonly name: string;
  /** Certificates of trusted authorities, in PEM; default: those of Node. */
  readonly ca?: Buffer | undefined;
}

/** One request, without retries. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array | undefined;
  /** Bytes of the answer's body, at most. */
  readonly maxSize: number;
  /** Whether to read the answer's body; default always. */
  readonly readsBody?: (status: number, headers: IncomingHttpHeaders) => boolean;
  /** Gives memory for a large body; default new memory. Called for each attempt. */
  readonly roomFor?: ((size: number) => Buffer) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends requests over persistent connections, without retries. */
export class HttpTransport {
  readonly #name: string;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  readonly #https: HttpsAgent;

  constructor({ name, ca }: HttpTransportOptions) {
    this.#name = name;
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, ...(ca === undefined ? {} : { ca }) });
  }

  /**
   * Makes a request.
   *
   * @throws {VtError} EFAILED for too long a body, or an address that is not HTTP; ECANCELLED; else the system's error
   */
  async ask({ url, method, headers, body, maxSize, readsBody, roomFor, signal }: HttpRequest): Promise<HttpResponse> {
    throwIfCancelled(signal);
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new VtError('EFAILED', `ask "${this.#name}": it redirects to "${url.protocol}"`);
    const isSecure = url.protocol === 'https:';
    const request = (isSecure ? httpsRequest : httpRequest)(url, {
      method,
      timeout: SILENCE_MS,
      agent: isSecure ? this.#https : this.#http,
      headers: headers ?? {},
    });
    const release = onAbort(signal, () => request.destroy(new Error('cancelled')));
    try {
      const response = await responseTo(request, body);
      const { statusCode: status = 0 } = response;
      if (readsBody?.(status, response.headers) === false) {
        response.destroy();
        return { status, headers: response.headers, body: Buffer.alloc(0) };
      }
      return { status, headers: response.headers, body: await this.#bodyOf(response, maxSize, roomFor) };
    } finally {
      release();
    }
  }

  async #bodyOf(response: IncomingMessage, maxSize: number, roomFor: ((size: number) => Buffer) | undefined): Promise<Buffer> {
    return await new Promise((resolve, reject) => {
      const body = new GatheredBody(expectedSize(response, maxSize), roomFor);
      response
        // An async iterator takes several times as long.
        .on('data', (chunk: Buffer) => {
          body.add(chunk);
          if (body.size <= maxSize) return;
          reject(new VtError('EFAILED', `ask "${this.#name}": its answer has more than ${maxSize} bytes`));
          response.destroy();
        })
        .once('end', () => resolve(body.take()))
        .once('error', reject)
        .once('close', () => reject(new Error('the server closed the connection')));
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

/** The announced size of an answer; undefined if it is absent or too large. */
function expectedSize({ headers }: IncomingMessage, maxSize: number): number | undefined {
  const size = Number(headers['content-length']);
  return size <= Math.min(maxSize, MAX_EXPECTED_SIZE) ? size : undefined;
}

async function responseTo(request: ClientRequest, body: Uint8Array | undefined): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    request
      .once('response', resolve)
      .once('timeout', () => request.destroy(new Error(`no data for ${SILENCE_MS / 1000} seconds`)))
      // An error may also come after the response, which reports it itself.
      .on('error', reject)
      .end(body);
  });
}

/** Parses `Retry-After`, in seconds or a date, to milliseconds from now. */
export function retryAfterMs({ 'retry-after': header }: IncomingHttpHeaders): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const ms = new Date(header).getTime() - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
