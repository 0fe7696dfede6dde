import mime from 'mime';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsToText } from '../base/octets.ts';
import { MIME_TYPE_ATTRIBUTE } from '../blockify/content-hint.ts';
import { intendedName } from '../blockify/sniff-name.ts';
import { xattrOf } from '../dirent/kept-xattrs.ts';
import type { Meta } from '../dirent/meta.ts';
import { languageOf } from './page/languages.ts';

/** Bytes at the start of a content from which its type is guessed. */
export const SNIFFED_SIZE = 1024;

/**
 * A media type with parameters that is safe in a header. Multipart contents are refused, since they bring headers of their own.
 *
 * @see RFC 9110, 8.3.1
 */
const MEDIA_TYPE = /^(?!multipart\/|message\/)[\w.+-]+\/[\w.+-]+(?:[ \t]*;[ \t]*[\w.+-]+=(?:[\w.+-]+|"[\w .+-]*"))*$/i;

/** Types that browsers show in their proper form. */
const SHOWN_TEXT = /^text\/|^application\/(?:json|javascript|xml|xhtml\+xml|ld\+json)$|^image\//;

/** First bytes of formats that browsers show, for names without a known ending. */
const SIGNATURES: readonly (readonly [start: string, type: string])[] = [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['GIF8', 'image/gif'],
  ['%PDF-', 'application/pdf'],
  ['ID3', 'audio/mpeg'],
  ['OggS', 'audio/ogg'],
  ['fLaC', 'audio/flac'],
];

/**
 * The `Content-Type` of a file: from its extended attribute, else its name, else its first bytes. Text in UTF-8 gets a charset.
 *
 * @param start - the first `SNIFFED_SIZE` bytes, or all
 */
export function contentTypeOf(name: Octets, meta: Meta, start: Uint8Array): string {
  const attribute = xattrOf(meta, MIME_TYPE_ATTRIBUTE);
  const stored = attribute && octetsFromBytes(attribute);
  const type = (stored !== undefined && MEDIA_TYPE.test(stored) ? stored : undefined) ?? byName(name, start) ?? bySignature(start);
  if (type === undefined) return isUtf8Text(start) ? 'text/plain; charset=utf-8' : 'application/octet-stream';
  const isText = /^(?:text\/|application\/(?:json|javascript|xml)$|image\/svg\+xml$)/.test(type) && !type.includes(';');
  return isText && isUtf8Text(start) ? `${type}; charset=utf-8` : type;
}

/** The type by name. Endings of source code have other meanings too: `.ts` for video, `.rs` for a list of services. */
function byName(name: Octets, start: Uint8Array): string | undefined {
  const intended = intendedName(name);
  const type = typeOfName(intended);
  const isSource = type !== undefined && !SHOWN_TEXT.test(type) && languageOf(intended) !== undefined && isUtf8Text(start);
  return isSource ? 'text/plain' : type;
}

/** The type of the ending of a name. */
export function typeOfName(name: Octets): string | undefined {
  return mime.getType(octetsToText(name)) ?? undefined;
}

function bySignature(start: Uint8Array): string | undefined {
  const head = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, 16)).toString('latin1');
  return SIGNATURES.find(([signature]) => head.startsWith(signature))?.[1];
}

/** Whether bytes are UTF-8 text; a character may be cut at the end. */
function isUtf8Text(start: Uint8Array): boolean {
  if (start.includes(0)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true });
    return true;
  } catch {
    return false;
  }
}
