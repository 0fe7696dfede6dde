import { VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { HttpClient } from './http-client.ts';

/** Bytes of a page: what is asked for at least. */
const PAGE_SIZE = 256 * 1024;
/** Pages that are kept. */
const MAX_PAGES = 256;
/** Pages asked for together, at most. */
const MAX_TOGETHER = 64;

/** A file on a server, read in parts that are kept for a while. What is asked for together comes in one answer. */
export class HttpFile {
  readonly name: string;
  readonly size: number;
  readonly #client: HttpClient;
  readonly #path: string;
  /** Its end, which came first. */
  readonly #tail: { readonly start: number; readonly octets: Buffer };
  /** Pages by their number, those asked for longest ago first. */
  readonly #pages = new Map<number, Promise<Buffer>>();

  private constructor(client: HttpClient, path: string, { start, octets, size }: { start: number; octets: Buffer; size: number }) {
    this.name = client.name;
    this.size = size;
    this.#tail = { start, octets };
    this.#client = client;
    this.#path = path;
  }

  /** Opens a file by its last bytes, of which some are kept. @throws {VtError} EOPEN where it is not there, or is not given in parts */
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

  /** Bytes of the file; fewer where it ends. */
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

  /** Asks for a page, and for those behind it that are not there, up to another. */
  #ask(first: number, last: number, options: OpOptions): Promise<Buffer> {
    let end = first + 1;
    while (end <= last && end - first < MAX_TOGETHER && !this.#pages.has(end)) end++;
    const answer = this.#part(first * PAGE_SIZE, Math.min(end * PAGE_SIZE, this.size), options);
    for (let page = first; page < end; page++) {
      const at = (page - first) * PAGE_SIZE;
      const octets = answer.then((body) => body.subarray(at, at + PAGE_SIZE));
      // One that failed is asked for again.
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
