import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Representation } from './representation.ts';

/**
 * Compresses an answer of unknown length, such as a page, if the client accepts that. The result is another representation with its own
 * entity tag.
 *
 * @see RFC 9110, 8.4
 */
export function compressedFor(headers: IncomingHttpHeaders, page: Representation): Representation {
  if (page.size !== undefined) return page;
  const varied = { ...page, headers: { ...page.headers, vary: page.headers?.['vary'] ?? 'accept-encoding' } };
  if (!takesGzip(headers['accept-encoding'])) return varied;
  return {
    ...page,
    etag: page.etag.replace(/"$/, '-gzip"'),
    size: undefined,
    headers: { ...varied.headers, 'content-encoding': 'gzip' },
    async *read(range, signal) {
      const gzip = createGzip();
      const plain = Readable.from(page.read(range, signal), { objectMode: false });
      plain.once('error', (error) => gzip.destroy(error));
      try {
        yield* plain.pipe(gzip) as AsyncIterable<Uint8Array>;
      } finally {
        plain.destroy();
      }
    },
  };
}

/** Whether a client accepts gzip. @param header - `Accept-Encoding` @see RFC 9110, 12.5.3 */
export function takesGzip(header: string | string[] | undefined): boolean {
  if (header === undefined) return false;
  const codings = String(header)
    .split(',')
    .map((part) => part.split(';').map((piece) => piece.trim().toLowerCase()));
  // `*` stands only for codings that the header does not name.
  const found = codings.find(([coding]) => coding === 'gzip') ?? codings.find(([coding]) => coding === '*');
  return found !== undefined && !found.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
}
