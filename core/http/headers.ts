import { createHash } from 'node:crypto';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import { formatBlock } from '../block/block-text.ts';
import { hashcodeLabel } from '../block/hashcode.ts';

/** For URLs that name their content, which never changes. The age is a year, in seconds. @see RFC 8246, RFC 9111 5.2.2.1 */
export const IMMUTABLE = 'max-age=31536000, immutable';
/** For URLs that name an archive, which may change: caches must ask before each use. */
export const REVALIDATED = 'no-cache';

/** The header by which our server tells what is wrong with a Block, beside a status that proxies know. */
export const FAULT_HEADER = 'vt-fault';
/** The Block exists but is damaged: a retry gives the same. */
export const DAMAGED = 'damaged';

/** Headers of all answers. Among others, no other site may learn a Dirref in a URL, which opens the tree. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
  'cross-origin-resource-policy': 'same-origin',
};

/** Stored content is not trusted: it may run no script, send no form, and has an origin of its own. */
const CONTENT_POLICY = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'";
/** Browsers cannot start their PDF viewer in a sandbox. */
const PDF_POLICY =
  "default-src 'none'; object-src 'self'; plugin-types application/pdf; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";

/** The headers of stored content of a type. */
export function contentHeaders(contentType: string): Record<string, string> {
  return { 'content-security-policy': /^application\/pdf *(?:;|$)/i.test(contentType) ? PDF_POLICY : CONTENT_POLICY };
}

/** The strong entity tag of a content: the name of its Block. */
export function etagOf(block: Block): string {
  return `"${blockTag(block)}"`;
}

/** The entity tag of a page that is made from given texts. @param how - names how it is made */
export function madeEtag(how: string, ...of: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const [i, piece] of of.entries()) hash.update(i === 0 ? '' : '\0').update(piece);
  return `"${how}-${hash.digest('hex').slice(0, 32)}"`;
}

function blockTag(block: Block): string {
  switch (block.kind) {
    case 'hash':
      return hashcodeLabel(block.hashcode);
    case 'indirect':
      return block.refs.kind === 'hash' ? `i:${hashcodeLabel(block.refs.hashcode)}` : textTag(block);
    default:
      return textTag(block);
  }
}

/** The tag of a content without a stored Block, such as a short literal. */
function textTag(block: Block): string {
  return `t:${createHash('sha256').update(formatBlock(block)).digest('hex')}`;
}

/** The header `Content-Disposition`: `inline; filename="…"; filename*=…`. @see RFC 6266, RFC 8187 */
export function disposition(kind: 'inline' | 'attachment', name: Octets): string {
  const plain = octetsToText(name).replace(/[^ -~]|["\\%]/g, '_');
  // Encodes all characters that are not attr-char in RFC 8187, 3.2.1.
  const encoded = name.replace(/[^A-Za-z0-9!#$&+\-.^_`|~]/g, percent);
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** Encodes an element of a path for a URL. @see RFC 3986, 2.3 */
export function urlSegment(name: Octets): string {
  return name.replace(/[^A-Za-z0-9\-._~]/g, percent);
}

/** Encodes a path for a URL, element by element. */
export function urlPath(path: Octets): string {
  return path
    .split('/')
    .map((name) => urlSegment(name as Octets))
    .join('/');
}

function percent(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
