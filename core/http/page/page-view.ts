import { REVALIDATED } from '../headers.ts';
import type { Representation } from '../representation.ts';
import type { Html } from './html.ts';
import { PAGE_POLICY } from './page.ts';

/** Headers of our pages: they may look otherwise after an update of the program, whatever they show. */
export const PAGE_HEADERS = { 'cache-control': REVALIDATED, 'content-security-policy': PAGE_POLICY };

/** A page as it is sent. It is made while it is: a Dir may have a million names. @param pieces - called once for each time */
export function pageView(etag: string, pieces: (signal: AbortSignal) => AsyncIterable<Html> | Iterable<Html>): Representation {
  return {
    etag,
    contentType: 'text/html; charset=utf-8',
    size: undefined,
    headers: PAGE_HEADERS,
    read: (_, signal) => encoded(pieces(signal)),
  };
}

/** Pieces of a page as bytes, many of them in one. */
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
