import { REVALIDATED } from '../headers.ts';
import type { Representation } from '../representation.ts';
import type { Html } from './html.ts';
import { PAGE_POLICY } from './page.ts';

/** Headers of pages. They must be revalidated, since an update of the program may change them. */
export const PAGE_HEADERS = { 'cache-control': REVALIDATED, 'content-security-policy': PAGE_POLICY };

/** A page as an answer. It is made while it is sent, since a Dir may have a million names. @param pieces - called for each answer */
export function pageView(etag: string, pieces: (signal: AbortSignal) => AsyncIterable<Html> | Iterable<Html>): Representation {
  return {
    etag,
    contentType: 'text/html; charset=utf-8',
    size: undefined,
    headers: PAGE_HEADERS,
    read: (_, signal) => encoded(pieces(signal)),
  };
}

/** Encodes pieces of a page, joining small ones. */
async function* encoded(pieces: AsyncIterable<Html> | Iterable<Html>): AsyncGenerator<Uint8Array> {
  let text = '';
  for await (const piece of pieces) {
    text += piece.text;
    if (text.length < 32 * 1024) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}
