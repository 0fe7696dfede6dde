import type { IncomingMessage, ServerResponse } from 'node:http';
import { RecentMap } from '../../base/recent-map.ts';
import { takesGzip } from '../compressed.ts';
import { COMMON_HEADERS } from '../headers.ts';
import type { Validators } from '../preconditions.ts';
import { conditionStatus } from '../preconditions.ts';
import type { Representation } from '../representation.ts';
import { headersOf } from '../send.ts';
import { LentBytes } from './lent-bytes.ts';
import type { ReadyContent, ReadyContents } from './ready-contents.ts';

/** Bytes kept, at most: URLs, headers and pages. */
const MAX_SIZE = 24 * 1024 * 1024;
/** Bytes of an answer besides its URL and page, estimated. */
const ENTRY_SIZE = 1024;

interface ReadyAnswer {
  readonly validators: Validators;
  /** Headers for an answer without a body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | ReadyContent;
  readonly size: number;
  readonly lasts: () => boolean;
  /** Header names and values in turn. */
  readonly head: string[];
}

/**
 * Keeps the most recent answers whose validity can be checked at once. A request for one needs no look-up and no wait, so it takes hardly
 * longer than `node:http` itself.
 */
export class ReadyAnswers {
  readonly #contents: ReadyContents;
  readonly #lent = new LentBytes();
  readonly #ready: RecentMap<string, ReadyAnswer>;

  constructor(contents: ReadyContents) {
    this.#contents = contents;
    this.#ready = new RecentMap({
      maxSize: MAX_SIZE,
      sizeOf: ({ size }) => size,
      dropped: ({ body }) => {
        if (!(body instanceof Uint8Array)) contents.drop(body);
      },
    });
  }

  /**
   * Keeps an answer whose validity can be checked, if it can be sent in one piece.
   *
   * @returns the answer, with its bytes if they were read for that
   */
  async keep(request: IncomingMessage, response: ServerResponse, made: Representation, signal: AbortSignal): Promise<Representation> {
    const { lasts } = made;
    if (lasts === undefined || request.headers.range !== undefined || request.method !== 'GET') return made;
    const loaded =
      made.bytes === undefined && made.block !== undefined
        ? await this.#contents.load(made.block, (size) => this.#lent.reserve(size, response), signal)
        : undefined;
    const body = made.bytes ?? loaded?.content;
    if (body === undefined) return made;
    this.#keep(keyOf(request), made, body, lasts);
    return { ...made, bytes: made.bytes ?? loaded?.bytes };
  }

  #keep(key: string, made: Representation, body: Uint8Array | ReadyContent, lasts: () => boolean): void {
    const length = body instanceof Uint8Array ? body.length : body.size;
    const headers = { ...COMMON_HEADERS, ...headersOf(made) };
    const whole = { ...headers, 'content-type': made.contentType, 'content-length': String(length) };
    const { etag, lastModified } = made;
    const size = key.length + (body instanceof Uint8Array ? length : 0) + ENTRY_SIZE;
    this.#ready.set(key, { validators: { etag, lastModified }, headers, body, size, lasts, head: Object.entries(whole).flat() });
  }

  /** Answers a GET or HEAD from kept answers. @returns whether it did */
  send(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.headers.range !== undefined) return false;
    const key = keyOf(request);
    const ready = this.#ready.get(key);
    if (ready === undefined) return false;
    if (!ready.lasts()) {
      this.#ready.delete(key);
      return false;
    }
    const { validators, headers, head, body } = ready;
    const status = conditionStatus(request.headers, validators);
    if (status !== undefined) {
      response.writeHead(status, headers).end();
      return true;
    }
    if (request.method === 'HEAD') {
      response.writeHead(200, head).end();
      return true;
    }
    if (body instanceof Uint8Array) {
      response.writeHead(200, head).end(body);
      return true;
    }
    const mayHold = body.bytes === undefined ? this.#lent.reserve(body.size, response) : this.#lent.lend(body.bytes, response);
    if (!mayHold) return false;
    const isSent = this.#contents.withBytes(body, (bytes, done) => {
      if (done !== undefined) response.once('finish', done);
      response.writeHead(200, head).end(bytes);
    });
    // It has moved or is damaged: the Store decides.
    if (!isSent) this.#ready.delete(key);
    return isSent;
  }
}

function keyOf({ url = '', headers }: IncomingMessage): string {
  return takesGzip(headers['accept-encoding']) ? `gzip ${url}` : url;
}
