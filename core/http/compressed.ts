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

/** Whether a client accepts gzip. @param header - `Accept-Encoding` */
export function takesGzip(header: string | string[] | undefined): boolean {
  if (header === undefined) return false;
  return String(header)
    .split(',')
    .some((part) => {
      const [coding = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
      return (coding === 'gzip' || coding === '*') && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
    });
}
