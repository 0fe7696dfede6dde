import type { TextReader } from '../base/text-reader.ts';
import type { Block } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import { atBlock, readBlock } from '../block/block-text.ts';
import { readHashcode } from '../block/hashcode-text.ts';
import type { Dirent } from './dirent.ts';
import { atDirent, readDirent } from './dirent-text.ts';

/** A parsed reference in braces: a Dirent, or a Block. */
export type TextReference = { readonly kind: 'dirent'; readonly dirent: Dirent } | { readonly kind: 'block'; readonly block: Block };

/** Reads the text of a Dirent, a Block reference or a hashcode (a Block of unknown span) at the reader's position. @throws {ParseError} */
export function readReference(reader: TextReader): TextReference {
  if (atDirent(reader)) return { kind: 'dirent', dirent: readDirent(reader) };
  if (atBlock(reader)) return { kind: 'block', block: readBlock(reader) };
  if (reader.startsWith('H{')) return { kind: 'block', block: { kind: 'hash', span: UNKNOWN_SPAN, hashcode: readHashcode(reader) } };
  throw reader.error(`expected the text of a Dirent or a Block, found ${reader.here()}`);
}
