import { octetsFromBytes } from '../base/octets.ts';

/** The extended attribute in which the freedesktop.org "Common Extended Attributes" keep a file's MIME type. */
export const MIME_TYPE_ATTRIBUTE = 'user.mime_type';

/** The MIME type that extended attributes tell. */
export function mimeTypeIn(xattrs: Iterable<readonly [name: string, value: Uint8Array]>): string | undefined {
  for (const [name, value] of xattrs) if (name === MIME_TYPE_ATTRIBUTE) return octetsFromBytes(value);
  return undefined;
}
