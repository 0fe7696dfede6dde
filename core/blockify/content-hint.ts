import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import type { ContentHint } from './parser.ts';

/** The extended attribute in which the freedesktop.org "Common Extended Attributes" keep a file's MIME type. */
export const MIME_TYPE_ATTRIBUTE = 'user.mime_type' as Octets;

/** The extended attribute that names the parser which the writer of a file asks for. */
export const PARSER_ATTRIBUTE = 'user.x-vt-parser' as Octets;

/** What a file's name and its extended attributes say about its content. */
export function contentHint(fileName: Octets | undefined, xattrs: Iterable<readonly [name: string, value: Uint8Array]> = []): ContentHint {
  let mimeType: string | undefined;
  let preferred: string | undefined;
  for (const [name, value] of xattrs) {
    if (name === MIME_TYPE_ATTRIBUTE) mimeType = octetsFromBytes(value);
    else if (name === PARSER_ATTRIBUTE) preferred = octetsFromBytes(value);
  }
  return { fileName, mimeType, preferred };
}
