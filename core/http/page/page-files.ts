import { contentHeaders, IMMUTABLE } from '../headers.ts';
import type { Representation } from '../representation.ts';
import { highlighterNamed } from './highlighter.ts';

/** The icon: a tree of three nodes. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M4 4v8h6M4 6h6" fill="none" stroke="#3b78c8" stroke-width="2"/><circle cx="4" cy="3" r="2" fill="#0b57b0"/><circle cx="12" cy="6" r="2" fill="#3b78c8"/><circle cx="12" cy="12" r="2" fill="#3b78c8"/></svg>\n';

/** The files that pages use: `/page/`. */
export function pageFile(name: string): Representation | undefined {
  if (name === 'icon.svg') return textFile('"icon-1"', 'image/svg+xml', ICON, 'public, max-age=86400');
  const found = highlighterNamed(name);
  // Its name depends on its content.
  return found && textFile(`"${found.integrity}"`, 'text/javascript; charset=utf-8', found.text, `public, ${IMMUTABLE}`);
}

function textFile(etag: string, contentType: string, text: string, cacheControl: string): Representation {
  return {
    etag,
    contentType,
    size: undefined,
    headers: { 'cache-control': cacheControl, ...contentHeaders(contentType) },
    async *read() {
      yield await Promise.resolve(Buffer.from(text));
    },
  };
}
