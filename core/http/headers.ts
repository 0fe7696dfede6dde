import { createHash } from 'node:crypto';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import { formatBlock } from '../block/block-text.ts';
import { hashcodeLabel } from '../block/hashcode.ts';

/** What is named by its content never changes. Seconds: a year at most. @see RFC 8246, RFC 9111 5.2.2.1 */
export const IMMUTABLE = 'max-age=31536000, immutable';
/** What is named by an archive may be another the next time: each use asks whether it still is. */
export const REVALIDATED = 'no-cache';

/** What a server of ours says is wrong with a Block, beside a status that proxies know. */
export const FAULT_HEADER = 'vt-fault';
/** The Block is there and damaged: asking again gives the same. */
export const DAMAGED = 'damaged';

/** On all that is sent: a Dirref in a URL opens the tree, so no other site learns it. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
  'cross-origin-resource-policy': 'same-origin',
};

/** Stored content comes from anybody: it runs no script, sends no form, and has an origin of its own. */
const CONTENT_POLICY = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'";
/** Browsers show PDF by a program that a sandbox keeps from starting. */
const PDF_POLICY =
  "default-src 'none'; object-src 'self'; plugin-types application/pdf; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";

/** Headers of stored content of a type. */
export function contentHeaders(contentType: string): Record<string, string> {
  return { 'content-security-policy': /^application\/pdf *(?:;|$)/i.test(contentType) ? PDF_POLICY : CONTENT_POLICY };
}

/** The entity tag of a content: the name of the Block that has it. Strong: equal names are equal bytes. */
export function etagOf(block: Block): string {
  return `"${blockTag(block)}"`;
}

/** The entity tag of a page made from these texts; the first names the way it is made. */
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

/** Of what has no Block of its own, such as the literal of a short text. */
function textTag(block: Block): string {
  return `t:${createHash('sha256').update(formatBlock(block)).digest('hex')}`;
}

/** `inline; filename="…"; filename*=…`. @see RFC 6266, RFC 8187 */
export function disposition(kind: 'inline' | 'attachment', name: Octets): string {
  const plain = octetsToText(name).replace(/[^ -~]|["\\%]/g, '_');
  // What is no attr-char of RFC 8187, 3.2.1.
  const encoded = name.replace(/[^A-Za-z0-9!#$&+\-.^_`|~]/g, percent);
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** An element of a path in a URL. @see RFC 3986, 2.3 */
export function urlSegment(name: Octets): string {
  return name.replace(/[^A-Za-z0-9\-._~]/g, percent);
}

/** Elements of a path in a URL, as they are between slashes. */
export function urlPath(path: Octets): string {
  return path
    .split('/')
    .map((name) => urlSegment(name as Octets))
    .join('/');
}

function percent(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
