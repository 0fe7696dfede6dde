import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import type { ContentHint } from './parser.ts';

/** The extended attribute with a file's MIME type. @see freedesktop.org, "Common Extended Attributes" */
export const MIME_TYPE_ATTRIBUTE = 'user.mime_type' as Octets;

/** The extended attribute with the name of the parser to use for a file. */
export const PARSER_ATTRIBUTE = 'user.x-vt-parser' as Octets;

/** Makes the hint about a content from its file name and extended attributes. */
export function contentHint(fileName: Octets | undefined, xattrs: Iterable<readonly [name: string, value: Uint8Array]> = []): ContentHint {
  let mimeType: string | undefined;
  let preferred: string | undefined;
  for (const [name, value] of xattrs) {
    if (name === MIME_TYPE_ATTRIBUTE) mimeType = octetsFromBytes(value);
    else if (name === PARSER_ATTRIBUTE) preferred = octetsFromBytes(value);
  }
  return { fileName, mimeType, preferred };
}
