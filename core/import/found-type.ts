import { readSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { octetsToBytes } from '../base/octets.ts';
import { cName } from '../base/system/at-calls.ts';
import { atCalls } from '../base/system/choose-at-calls.ts';
import { foundMimeType } from '../blockify/choose-parser.ts';
import { MIME_TYPE_ATTRIBUTE } from '../blockify/content-hint.ts';
import { closeQuietly } from '../blockify/ingest/file-slices.ts';
import type { FilePlace } from '../blockify/ingest/ingested-file.ts';
import { MAX_HEAD_SIZE } from '../blockify/parser.ts';
import { xattrOf } from '../dirent/kept-xattrs.ts';
import type { Meta } from '../dirent/meta.ts';

/**
 * Adds the MIME type of a content to its metadata as `user.mime_type`, if it has none and the type can be determined.
 *
 * @param head - the first {@link MAX_HEAD_SIZE} bytes of the content, or all
 */
export function withFoundType(meta: Meta, fileName: Octets, head: Uint8Array): Meta {
  if (xattrOf(meta, MIME_TYPE_ATTRIBUTE) !== undefined) return meta;
  const mimeType = head.length === 0 ? undefined : foundMimeType({ fileName, head });
  if (mimeType === undefined) return meta;
  const xattrs = [...(meta.xattrs ?? []), [MIME_TYPE_ATTRIBUTE, octetsToBytes(mimeType as Octets)] as const];
  return { ...meta, xattrs: new Map(xattrs.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** The first bytes of a local file, at most {@link MAX_HEAD_SIZE}; none if it cannot be read any more. */
export function headOfFile({ dir, name }: FilePlace): Uint8Array {
  const head = new Uint8Array(MAX_HEAD_SIZE);
  try {
    const fd = atCalls().open(dir, cName(name), 'content');
    try {
      return head.subarray(0, readSync(fd, head, 0, head.length, 0));
    } finally {
      closeQuietly(fd);
    }
  } catch {
    return head.subarray(0, 0);
  }
}
