import { RecentMap } from '../../base/recent-map.ts';
import type { Representation } from '../representation.ts';

/** Bytes of a kept page, and of all kept pages, at most. */
const MAX_PAGE_SIZE = 256 * 1024;
const MAX_SIZE = 8 * 1024 * 1024;

/** Keeps the most recent pages by their entity tags, which stand for their bytes. */
export class KeptPages {
  readonly #pages = new RecentMap<string, Uint8Array>({ maxSize: MAX_SIZE, sizeOf: ({ length }) => length });

  /** Gives a kept page, or a page that is kept once it was sent completely. Other answers are returned unchanged. */
  page(made: Representation): Representation {
    const { etag, contentType, size, headers } = made;
    if (size !== undefined || !contentType.startsWith('text/html') || headers?.['cache-control'] === 'no-store') return made;
    const bytes = this.#pages.get(etag);
    if (bytes === undefined) return { ...made, read: (_, signal) => this.#keeping(etag, made.read(undefined, signal)) };
    return { ...made, bytes, read: () => again(bytes) };
  }

  async *#keeping(etag: string, page: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of page) {
      size += chunk.length;
      if (size <= MAX_PAGE_SIZE) chunks.push(Uint8Array.from(chunk));
      yield chunk;
    }
    if (size <= MAX_PAGE_SIZE && !this.#pages.has(etag)) this.#pages.set(etag, Buffer.concat(chunks));
  }
}

async function* again(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
