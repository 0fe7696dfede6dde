import { ByteWriter } from '../base/byte-writer.ts';
import type { Octets } from '../base/octets.ts';
import type { CName } from '../base/system/at-calls.ts';
import { TIMESPECS_SIZE } from '../base/timespec.ts';
import type { Attributes } from './export-attributes.ts';
import type { PackedSegments, SegmentRows } from './segment-rows.ts';

/**
 * Work for a writer, packed into a few arrays. Structured clones of 128 files would cost more than to write them. Batches never leave the
 * process, so their layout is not a stable format.
 */

/** The rows of the batch's segments that are the content of an item. */
export interface RowRange {
  readonly firstRow: number;
  readonly endRow: number;
}

/** A whole file. It is written under a temporary name in an open directory and then renamed. */
export interface FileItem extends RowRange {
  readonly kind: 'file';
  readonly dir: number;
  readonly name: CName;
  readonly temporary: CName;
  readonly size: number;
  readonly attributes: Attributes;
}

/** A part of a large file. It is written to an open descriptor. */
export interface PartItem extends RowRange {
  readonly kind: 'part';
  readonly fd: number;
  /** Its offset in the file. */
  readonly start: number;
  readonly size: number;
}

export type BatchItem = FileItem | PartItem;

const ITEM = { file: 1, part: 2 } as const;

/** A packed batch. */
export interface PackedBatch {
  readonly items: Uint8Array<ArrayBuffer>;
  readonly count: number;
  readonly segments: PackedSegments;
}

/** Packs items one by one. */
export class BatchBuilder {
  /** The segments of all items. */
  readonly rows: SegmentRows;
  readonly #writer = new ByteWriter(16 * 1024);
  #count = 0;

  /** @param rows - the segments of all items to come; they must be located before `take` */
  constructor(rows: SegmentRows) {
    this.rows = rows;
  }

  /** Items so far. */
  get count(): number {
    return this.#count;
  }

  add(item: BatchItem): void {
    const writer = this.#writer;
    this.#count++;
    if (item.kind === 'file') {
      writer.octet(ITEM.file);
      writer.bsuint(item.dir);
      writer.bsdata(item.name);
      writer.bsdata(item.temporary);
      packAttributes(writer, item.attributes);
    } else {
      writer.octet(ITEM.part);
      writer.bsuint(item.fd);
      writer.bsuint(item.start);
    }
    writer.bsuint(item.size);
    writer.bsuint(item.firstRow);
    writer.bsuint(item.endRow);
  }

  /** Returns the batch in new arrays, so that their buffers can be transferred. */
  take(): PackedBatch {
    return { items: new Uint8Array(this.#writer.view()), count: this.#count, segments: this.rows.pack() };
  }
}

/** Makes a batch of one part of a large file, whose content is all of `rows`. They must be located. */
export function partBatch(rows: SegmentRows, part: { readonly fd: number; readonly start: number; readonly size: number }): PackedBatch {
  const builder = new BatchBuilder(rows);
  builder.add({ kind: 'part', ...part, firstRow: 0, endRow: rows.count });
  return builder.take();
}

/** The buffers of a batch, to transfer with it. */
export function transfersOf({ items, segments }: PackedBatch): ArrayBuffer[] {
  const images = segments.files.flatMap((file) => (typeof file === 'string' ? [] : [file.buffer]));
  return [items.buffer, segments.cells.buffer, segments.digests.buffer, segments.literals.buffer, ...images];
}

function packAttributes(writer: ByteWriter, attributes: Attributes): void {
  writer.bsuint(attributes.mode);
  writer.bsuint(attributes.uid + 1);
  writer.bsuint(attributes.gid + 1);
  writer.bytes(attributes.times);
  writer.octet(attributes.dropsAcl ? 1 : 0);
  writer.bsuint(attributes.xattrs.length);
  for (const [name, value] of attributes.xattrs) {
    writer.bsoctets(name);
    writer.bsdata(value);
  }
}

/** Unpacks the items of a batch. Bytes are views of the batch. */
export function* unpackItems({ items, count }: PackedBatch): Generator<BatchItem, void, undefined> {
  const cursor = new Cursor(items);
  for (let left = count; left > 0; left--) {
    if (cursor.octet() === ITEM.file) {
      const dir = cursor.uint();
      const name = cursor.data() as CName;
      const temporary = cursor.data() as CName;
      const attributes = unpackAttributes(cursor);
      yield { kind: 'file', dir, name, temporary, attributes, size: cursor.uint(), firstRow: cursor.uint(), endRow: cursor.uint() };
    } else {
      const fd = cursor.uint();
      yield { kind: 'part', fd, start: cursor.uint(), size: cursor.uint(), firstRow: cursor.uint(), endRow: cursor.uint() };
    }
  }
}

function unpackAttributes(cursor: Cursor): Attributes {
  const mode = cursor.uint();
  const uid = cursor.uint() - 1;
  const gid = cursor.uint() - 1;
  const times = cursor.bytes(TIMESPECS_SIZE);
  const dropsAcl = cursor.octet() === 1;
  const xattrs: (readonly [Octets, Uint8Array])[] = [];
  for (let count = cursor.uint(); count > 0; count--) {
    const name = Buffer.from(cursor.data()).toString('latin1') as Octets;
    xattrs.push([name, cursor.data()]);
  }
  return { mode, uid, gid, times, xattrs, dropsAcl };
}

/** Reads a batch from its start. */
class Cursor {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  octet(): number {
    return this.#data[this.#at++] ?? 0;
  }

  uint(): number {
    let value = 0;
    for (;;) {
      const octet = this.octet();
      value = value * 128 + (octet & 0x7f);
      if (octet < 0x80) return value;
    }
  }

  bytes(size: number): Uint8Array {
    this.#at += size;
    return this.#data.subarray(this.#at - size, this.#at);
  }

  data(): Uint8Array {
    return this.bytes(this.uint());
  }
}

/** The failure of an item of a batch. */
export interface ItemFailure {
  /** The index of the item. */
  readonly item: number;
  /**
   * `data`: a Block could not be read at its location. `attribute`: the file was made without this attribute. `system`: it was not made.
   */
  readonly kind: 'data' | 'attribute' | 'system';
  /** For `attribute`, its name. */
  readonly what?: string;
  readonly message: string;
  readonly code: string | undefined;
}

/** The result of a batch. */
export interface BatchResult {
  readonly failures: readonly ItemFailure[];
  /** Bytes of content of the items that were written. */
  readonly bytes: number;
}
