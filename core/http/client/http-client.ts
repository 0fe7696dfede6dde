import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { ConnectionLostError, throwIfCancelled, VtError } from '../../base/errors.ts';
import { onAbort } from '../../base/on-abort.ts';
import type { OpOptions } from '../../base/op-options.ts';
import { errorReason } from '../../base/system/system-error.ts';
import { DAMAGED, FAULT_HEADER } from '../headers.ts';

/** Connections to one server at a time; more requests wait for one of them. */
const MAX_CONNECTIONS = 32;
/** How often a request is made at most. */
const MAX_TRIES = 6;
/** Milliseconds before the second try; each further one waits twice as long. */
const FIRST_PAUSE_MS = 200;
/** Milliseconds that a server may ask to wait. */
const MAX_PAUSE_MS = 60_000;
/** Milliseconds in which something has to come. */
const SILENCE_MS = 30_000;
const MAX_REDIRECTS = 3;

/** What a server says that asks for patience, and not that something is wrong. @see RFC 9110, 15.6; RFC 6585, 4 */
const PATIENCE: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface HttpClientOptions {
  /** For messages. */
  readonly name: string;
  /** With a slash at its end. */
  readonly base: URL;
  readonly token?: string | undefined;
  /** Certificates of the authorities that servers are signed by, in PEM; default: those of Node. */
  readonly ca?: Buffer | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** The server says that what was asked for is there, and damaged. */
  readonly isDamaged: boolean;
}

/** Requests to one server, over connections that are kept. What fails for a time is asked for again. */
export class HttpClient {
  readonly name: string;
  readonly #base: URL;
  readonly #token: string | undefined;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  readonly #https: HttpsAgent;

  constructor({ name, base, token, ca }: HttpClientOptions) {
    this.name = name;
    this.#base = base;
    this.#token = token;
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, ...(ca === undefined ? {} : { ca }) });
  }

  /**
   * @param path - from the base, without a slash at its start
   * @param options.maxSize - octets of the body at most
   * @param options.tries - how often it is asked for; default 6 times, over some 6 seconds and what the server asks for
   * @returns an answer that will be the same if asked for again
   * @throws {ConnectionLostError} where none came; {VtError} EPERM where the server wants a token, EFAILED for too long a body
   */
  async get(
    path: string,
    options: OpOptions & { readonly method?: 'GET' | 'HEAD'; readonly maxSize: number; readonly tries?: number },
  ): Promise<Answer> {
    const { method = 'GET', maxSize, tries = MAX_TRIES, signal } = options;
    for (let tried = 1; ; tried++) {
      throwIfCancelled(signal);
      let waitMs = FIRST_PAUSE_MS * 2 ** (tried - 1);
      let fact: string;
      try {
        const { retryAfterMs, ...answer } = await this.#ask(new URL(path, this.#base), method, maxSize, signal, 0);
        const { status, body, isDamaged } = answer;
        if (status === 401 || status === 403)
          throw new VtError('EPERM', `ask "${this.name}": it wants a token that it knows (${status})`, { remedy: 'give token=FILE' });
        if (!PATIENCE.has(status) || isDamaged) return answer;
        fact = `it answered with ${status}${reasonIn(body)}`;
        waitMs = Math.min(MAX_PAUSE_MS, retryAfterMs ?? waitMs);
      } catch (error) {
        if (error instanceof VtError) throw error;
        throwIfCancelled(signal);
        fact = errorReason(error);
      }
      if (tried >= tries) throw new ConnectionLostError(this.name, fact);
      await pause(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => throwIfCancelled(signal));
    }
  }

  async #ask(
    url: URL,
    method: string,
    maxSize: number,
    signal: AbortSignal | undefined,
    redirects: number,
  ): Promise<Answer & { readonly retryAfterMs: number | undefined }> {
    throwIfCancelled(signal);
    const request = this.#request(url, method);
    const release = onAbort(signal, () => request.destroy(new Error('it is cancelled')));
    try {
      const response = await responseTo(request);
      const { statusCode: status = 0, headers } = response;
      if (REDIRECTS.has(status) && headers.location !== undefined && redirects < MAX_REDIRECTS) {
        // Its body may have no end.
        response.destroy();
        return await this.#ask(new URL(headers.location, url), method, maxSize, signal, redirects + 1);
      }
      const body = await this.#bodyOf(response, maxSize);
      return { status, body, isDamaged: headers[FAULT_HEADER] === DAMAGED, retryAfterMs: secondsOf(headers['retry-after']) };
    } finally {
      release();
    }
  }

  async #bodyOf(response: IncomingMessage, maxSize: number): Promise<Buffer> {
    return await new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response
        // An iterator over it takes several times as long.
        .on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size <= maxSize) return;
          reject(new VtError('EFAILED', `ask "${this.name}": its answer has more than ${maxSize} bytes`));
          response.destroy();
        })
        .once('end', () => resolve(Buffer.concat(chunks)))
        .once('error', reject)
        .once('close', () => reject(new Error('it hung up')));
    });
  }

  #request(url: URL, method: string): ClientRequest {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new VtError('EFAILED', `ask "${this.name}": it leads to "${url.protocol}"`);
    const isSecure = url.protocol === 'https:';
    return (isSecure ? httpsRequest : httpRequest)(url, {
      method,
      timeout: SILENCE_MS,
      agent: isSecure ? this.#https : this.#http,
      // Whoever else a request is sent on to is not told the token.
      headers: this.#token !== undefined && url.origin === this.#base.origin ? { authorization: `Bearer ${this.#token}` } : {},
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

/** The line that a server of ours gives as its reason; '' for anything else. */
function reasonIn(body: Buffer): string {
  return /^\d{3}(: [ -~]{1,200})\n$/.exec(body.toString('latin1', 0, 256))?.[1] ?? '';
}

async function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    request
      .once('response', resolve)
      .once('timeout', () => request.destroy(new Error(`nothing came in ${SILENCE_MS / 1000} seconds`)))
      // One may come after the response too, which tells it itself.
      .on('error', reject)
      .end();
  });
}

/** Milliseconds of a `Retry-After` in seconds, or until its date. */
function secondsOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const ms = new Date(header).getTime() - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
