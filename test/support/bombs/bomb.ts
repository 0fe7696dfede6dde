import { ByteWriter } from '../../../core/base/byte-writer.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import type { Block, HashBlock, LiteralBlock } from '../../../core/block/block.ts';
import { writeBlockref } from '../../../core/block/blockref.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import type { MapSource } from '../stores/map-source.ts';

/** Something small that denotes something without end, or nearly so: as a stranger could make it. */
export interface Bomb {
  readonly name: string;
  /** Stores what it is made of. */
  readonly make: (blocks: MapSource) => Dirent;
  /** Takes seconds to make: not part of the short form. */
  readonly isLarge?: boolean;
}

/** 2^53-1. */
export const ENDLESS = Number.MAX_SAFE_INTEGER;

/** A file of a Block. */
export function file(name: string, block: Block): Dirent {
  return { kind: 'file', name: octetsFromText(name), meta: { mode: 0o644 }, block };
}

/** A Dir of a Block. */
export function dir(name: string, block: Block): Dirent {
  return { kind: 'dir', name: octetsFromText(name), meta: { mode: 0o755 }, block };
}

/** `span` times one octet. */
export function run(span: number, octet: number | string): Block {
  return { kind: 'run', span, octet: typeof octet === 'string' ? octet.charCodeAt(0) : octet };
}

/** Octets in the reference itself, however many. */
export function literal(data: Uint8Array | string): LiteralBlock {
  const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  return { kind: 'literal', span: octets.length, data: octets };
}

/** Octets as a Block of the Store. */
export function stored(blocks: MapSource, data: Uint8Array | string): HashBlock {
  const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  return { kind: 'hash', span: octets.length, hashcode: blocks.put(octets) };
}

/** A superblock that lists references, whatever they are. */
export function superblock(blocks: MapSource, refs: Iterable<Block>): Block {
  const writer = new ByteWriter(4096);
  let span = 0;
  for (const ref of refs) {
    writeBlockref(writer, ref);
    span += ref.span;
  }
  return { kind: 'indirect', span, refs: { ...stored(blocks, writer.take()), span: -1 } };
}

/** One reference, many times. */
export function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

/** Superblocks over superblocks, each `width` times the one below. */
export function tower(blocks: MapSource, base: Block, levels: number, width: number): Block {
  let block = base;
  for (let level = 0; level < levels; level++) block = superblock(blocks, times(width, block));
  return block;
}

/** The octets of a Dir, entries as they are given. */
export function entries(list: Iterable<Dirent>): Buffer {
  return Buffer.concat([...list].map(encodeDirent));
}

/** A name that sorts as its number does. */
export function numbered(index: number, prefix = 'n'): Octets {
  return `${prefix}${index.toString().padStart(8, '0')}` as Octets;
}
