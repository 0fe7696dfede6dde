import { VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { HttpClient } from './http-client.ts';

/** Bytes of a page, the unit of requests. */
const PAGE_SIZE = 256 * 1024;
/** Pages kept, at most. */
const MAX_PAGES = 256;
/** Pages per request, at most. */
const MAX_TOGETHER = 64;

/** A file on a server, read in pages that are cached. Neighbouring pages come in one answer. */
export class HttpFile {
  readonly name: string;
  readonly size: number;
  readonly #client: HttpClient;
  readonly #path: string;
  /** The end of the file, which is read first. */
  readonly #tail: { readonly start: number; readonly octets: Buffer };
  /** Pages by number, the least recently requested first. */
  readonly #pages = new Map<number, Promise<Buffer>>();

  private constructor(client: HttpClient, path: string, { start, octets, size }: { start: number; octets: Buffer; size: number }) {
    this.name = client.name;
    this.size = size;
    this.#tail = { start, octets };
    this.#client = client;
    this.#path = path;
  }

  /**
   * Opens a file by reading its last 256 KiB, which are kept.
   *
   * @throws {VtError} EOPEN if it does not exist, or the server gives no ranges
   */
  static async open(client: HttpClient, path: string): Promise<HttpFile> {
    const { status, body, contentRange } = await client.get(path, { range: `bytes=-${PAGE_SIZE}`, maxSize: PAGE_SIZE, tries: 2 });
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? '') ?? [];
    if (status !== 206 || start === undefined || total === undefined) {
      const fact = status === 200 ? 'the server does not support range requests' : `the server answered with ${status}`;
      throw new VtError(
        'EOPEN',
        `open Store "${client.name}": ${fact}`,
        status === 200 ? { remedy: 'fetch the file, and open it here' } : {},
      );
    }
    return new HttpFile(client, path, { start: Number(start), octets: body, size: Number(total) });
  }

  /** Reads bytes of the file; fewer at its end. */
  async read(offset: number, size: number, options: OpOptions = {}): Promise<Buffer> {
    const end = Math.min(offset + size, this.size);
    if (offset >= end) return Buffer.alloc(0);
    if (offset >= this.#tail.start) return this.#tail.octets.subarray(offset - this.#tail.start, end - this.#tail.start);
    const first = Math.floor(offset / PAGE_SIZE);
    const last = Math.floor((end - 1) / PAGE_SIZE);
    const pages: Promise<Buffer>[] = [];
    for (let page = first; page <= last; page++) pages.push(this.#pages.get(page) ?? this.#ask(page, last, options));
    const octets = await Promise.all(pages);
    this.#forget();
    const whole = octets.length === 1 ? (octets[0] ?? Buffer.alloc(0)) : Buffer.concat(octets);
    return whole.subarray(offset - first * PAGE_SIZE, end - first * PAGE_SIZE);
  }

  /** Requests a page and the missing ones after it, up to another. */
  #ask(first: number, last: number, options: OpOptions): Promise<Buffer> {
    let end = first + 1;
    while (end <= last && end - first < MAX_TOGETHER && !this.#pages.has(end)) end++;
    const answer = this.#part(first * PAGE_SIZE, Math.min(end * PAGE_SIZE, this.size), options);
    for (let page = first; page < end; page++) {
      const at = (page - first) * PAGE_SIZE;
      const octets = answer.then((body) => body.subarray(at, at + PAGE_SIZE));
      // A failed page is requested again.
      octets.catch(() => this.#pages.delete(page));
      this.#pages.set(page, octets);
    }
    return this.#pages.get(first) ?? answer;
  }

  async #part(start: number, end: number, { signal }: OpOptions): Promise<Buffer> {
    const { status, body } = await this.#client.get(this.#path, { range: `bytes=${start}-${end - 1}`, maxSize: end - start, signal });
    if (status === 206 && body.length === end - start) return body;
    throw new VtError('EFAILED', `read "${this.name}": the server answered with ${status} where bytes ${start} to ${end} were asked for`, {
      remedy: 'the file may have changed: open it again',
    });
  }

  #forget(): void {
    for (const page of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) return;
      this.#pages.delete(page);
    }
  }

  close(): void {
    this.#client.close();
  }
}
