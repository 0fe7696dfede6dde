import { decodeBsdata, decodeBsuint } from '../../core/base/bsuint.ts';
import { ByteWriter } from '../../core/base/byte-writer.ts';
import { ParseError } from '../../core/base/errors.ts';
import { type Octets, octetsFromBytes } from '../../core/base/octets.ts';
import type { DirDirent, Dirent, IndirectDirent } from '../../core/dirent/dirent.ts';
import { decodeDirent, writeDirent } from '../../core/dirent/dirent-codec.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import type { NodeChange } from '../../core/tree/live/node-change.ts';
import type { TreePath } from '../../core/tree/path.ts';

// The records of a mount's journal. @see vt(5), "Journals"

/** A changed range of a file's content, in octets. */
export interface ContentRange {
  readonly start: number;
  readonly data: Uint8Array;
}

/** A change of a file's content. Apply it in this order: truncate to `minSize`, write the ranges, set the size. */
export interface ContentChange {
  readonly kind: 'content';
  readonly path: TreePath;
  readonly meta: Meta;
  readonly minSize: number;
  readonly size: number;
  readonly ranges: readonly ContentRange[];
}

/** A change as recorded in a journal. */
export type JournalChange = (NodeChange | ContentChange) & { readonly nowNs: bigint };

/** A root that includes all changes in the files up to this one. */
export interface RootMark {
  /** The tree as stored: the next file continues from it. */
  readonly ours: DirDirent;
  /** Time of the archive's line for this root: `ours`, or its merge with another session's root. Nanoseconds since 1970. */
  readonly whenNs: bigint;
  readonly recorded: Dirent;
}

export type JournalRecord =
  | { readonly kind: 'start'; readonly archive: string }
  /** The root that this file continues from; without this record it continues from the file before. */
  | { readonly kind: 'base'; readonly root: DirDirent }
  | ({ readonly kind: 'root' } & RootMark)
  | { readonly kind: 'changes'; readonly changes: readonly JournalChange[] };

/** In the order of their numbers. */
const RECORD_KINDS = ['start', 'base', 'root', 'changes'] as const;
const CHANGE_KINDS = ['make', 'remove', 'rename', 'link', 'meta', 'content'] as const;
const MANNERS = ['replace', 'keep', 'exchange'] as const;

/** Bytes that a change takes beside its content, about. */
const CHANGE_SIZE = 192;

/** A record in bytes. */
export function encodeJournalRecord(record: JournalRecord): Uint8Array {
  const out = new ByteWriter(expectedSize(record));
  out.octet(RECORD_KINDS.indexOf(record.kind));
  switch (record.kind) {
    case 'start':
      out.bsdata(Buffer.from(record.archive));
      break;
    case 'base':
      writeDirent(out, record.root);
      break;
    case 'root':
      writeDirent(out, record.ours);
      out.bsoctets(record.whenNs.toString());
      writeDirent(out, record.recorded);
      break;
    case 'changes':
      out.bsuint(record.changes.length);
      for (const change of record.changes) writeChange(out, change);
      break;
  }
  return out.view();
}

/** Bytes of a record, about. A writer that grows copies contents again and again. */
function expectedSize(record: JournalRecord): number {
  if (record.kind !== 'changes') return CHANGE_SIZE;
  let size = CHANGE_SIZE;
  for (const change of record.changes) {
    size += CHANGE_SIZE + change.path.length;
    if (change.kind === 'content') for (const { data } of change.ranges) size += data.length + 16;
  }
  return size;
}

function writeChange(out: ByteWriter, change: JournalChange): void {
  out.octet(CHANGE_KINDS.indexOf(change.kind));
  out.bsoctets(change.nowNs.toString());
  out.bsoctets(change.path);
  switch (change.kind) {
    case 'make':
      writeDirent(out, change.dirent);
      break;
    case 'remove':
      out.octet(change.sort === 'dir' ? 1 : 0);
      break;
    case 'rename':
      out.bsoctets(change.to);
      out.octet(MANNERS.indexOf(change.manner));
      out.octet(change.leave === undefined ? 0 : 1);
      if (change.leave !== undefined) writeDirent(out, change.leave);
      break;
    case 'link':
      out.bsoctets(change.to);
      break;
    case 'meta':
      writeMeta(out, change.meta);
      break;
    case 'content':
      writeMeta(out, change.meta);
      out.bsuint(change.minSize);
      out.bsuint(change.size);
      out.bsuint(change.ranges.length);
      for (const { start, data } of change.ranges) {
        out.bsuint(start);
        out.bsdata(data);
      }
      break;
  }
}

/** Writes metadata as a Dirent whose kind does not matter. */
function writeMeta(out: ByteWriter, meta: Meta): void {
  writeDirent(out, { kind: meta.rdev === undefined ? 'fifo' : 'char', name: '' as Octets, meta });
}

/**
 * Decodes a record; bytes of contents are views of `data`.
 *
 * @throws {ParseError} if `data` is not a valid record
 */
export function decodeJournalRecord(data: Uint8Array): JournalRecord {
  const reader = new RecordReader(data);
  const kind = reader.oneOf(RECORD_KINDS);
  switch (kind) {
    case 'start':
      return { kind, archive: Buffer.from(reader.data()).toString() };
    case 'base':
      return { kind, root: reader.dir() };
    case 'root':
      return { kind, ours: reader.dir(), whenNs: reader.time(), recorded: reader.dirent() };
    case 'changes': {
      const changes: JournalChange[] = [];
      for (let count = reader.number(); count > 0; count--) changes.push(readChange(reader));
      return { kind, changes };
    }
  }
}

function readChange(reader: RecordReader): JournalChange {
  const kind = reader.oneOf(CHANGE_KINDS);
  const nowNs = reader.time();
  const path = reader.path();
  switch (kind) {
    case 'make':
      return { kind, nowNs, path, dirent: reader.node() };
    case 'remove':
      return { kind, nowNs, path, sort: reader.oneOf(['leaf', 'dir']) };
    case 'rename': {
      const to = reader.path();
      const manner = reader.oneOf(MANNERS);
      return { kind, nowNs, path, to, manner, leave: reader.oneOf([false, true]) ? reader.node() : undefined };
    }
    case 'link':
      return { kind, nowNs, path, to: reader.path() };
    case 'meta':
      return { kind, nowNs, path, meta: reader.dirent().meta };
    case 'content': {
      const { meta } = reader.dirent();
      const [minSize, size] = [reader.number(), reader.number()];
      const ranges: ContentRange[] = [];
      for (let count = reader.number(); count > 0; count--) ranges.push({ start: reader.number(), data: reader.data() });
      return { kind, nowNs, path, meta, minSize, size, ranges };
    }
  }
}

class RecordReader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  oneOf<const T>(values: readonly T[]): T {
    const found = values[this.#data[this.#at] ?? values.length];
    if (found === undefined) throw new ParseError(`decode journal: no such kind ${this.#data[this.#at]}`, this.#at);
    this.#at++;
    return found;
  }

  number(): number {
    return this.#take(decodeBsuint(this.#data, this.#at));
  }

  data(): Uint8Array {
    return this.#take(decodeBsdata(this.#data, this.#at));
  }

  path(): TreePath {
    return octetsFromBytes(this.data());
  }

  time(): bigint {
    const text = octetsFromBytes(this.data());
    if (!/^-?\d{1,30}$/.test(text)) throw new ParseError('decode journal: a time is no number', this.#at);
    return BigInt(text);
  }

  dirent(): Dirent {
    return this.#take(decodeDirent(this.#data, this.#at));
  }

  node(): Exclude<Dirent, IndirectDirent> {
    const dirent = this.dirent();
    if (dirent.kind === 'indirect') throw new ParseError('decode journal: a node is a name of a hard link', this.#at);
    return dirent;
  }

  dir(): DirDirent {
    const dirent = this.dirent();
    if (dirent.kind !== 'dir') throw new ParseError(`decode journal: a root is a ${dirent.kind}`, this.#at);
    return dirent;
  }

  #take<T>({ value, next }: { readonly value: T; readonly next: number }): T {
    this.#at = next;
    return value;
  }
}
