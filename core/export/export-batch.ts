import type { CName } from '../base/at-calls.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import type { Octets } from '../base/octets.ts';
import { TIMESPECS_SIZE } from '../base/timespec.ts';
import type { BlockLocation } from '../store/store.ts';
import type { Attributes } from './export-attributes.ts';

/**
 * Work for a writer, packed into one array: structured clones of 128 files would cost more than writing them. A batch
 * is private to one process; its layout is of no format.
 */

/** A piece of content, in order of its place in the file. */
export type Segment =
  | { readonly kind: 'run'; readonly octet: number; readonly size: number }
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | {
      readonly kind: 'stored';
      readonly digest: Uint8Array;
      readonly location: BlockLocation;
      /** The part of the Block that is wanted. */
      readonly from: number;
      readonly size: number;
    };

/** A whole file, to be made under a temporary name in an open directory and then renamed. */
export interface FileItem {
  readonly kind: 'file';
  readonly dir: number;
  readonly name: CName;
  readonly temporary: CName;
  readonly size: number;
  readonly attributes: Attributes;
  readonly segments: readonly Segment[];
}

/** A part of a large file, to be written into an open descriptor. */
export interface PartItem {
  readonly kind: 'part';
  readonly fd: number;
  /** Where in the file it starts. */
  readonly start: number;
  readonly segments: readonly Segment[];
}

export type BatchItem = FileItem | PartItem;

const ITEM = { file: 1, part: 2 } as const;
const SEGMENT = { run: 1, data: 2, stored: 3 } as const;
const CODECS: readonly BlockLocation['codec'][] = ['none', 'zlib', 'zstd'];

/** A packed batch. */
export interface PackedBatch {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Files that hold stored Blocks; segments give their index. */
  readonly files: readonly string[];
}

/** Packs items; the array is new, so that its buffer can be transferred. */
export function packBatch(items: readonly BatchItem[], digestSize: number): PackedBatch {
  const writer = new ByteWriter(16 * 1024);
  const files: string[] = [];
  writer.bsuint(digestSize);
  writer.bsuint(items.length);
  for (const item of items) {
    if (item.kind === 'file') {
      writer.octet(ITEM.file);
      writer.bsuint(item.dir);
      writer.bsdata(item.name);
      writer.bsdata(item.temporary);
      writer.bsuint(item.size);
      packAttributes(writer, item.attributes);
    } else {
      writer.octet(ITEM.part);
      writer.bsuint(item.fd);
      writer.bsuint(item.start);
    }
    writer.bsuint(item.segments.length);
    for (const segment of item.segments) packSegment(writer, segment, files);
  }
  return { data: new Uint8Array(writer.view()), files };
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

function packSegment(writer: ByteWriter, segment: Segment, files: string[]): void {
  writer.octet(SEGMENT[segment.kind]);
  switch (segment.kind) {
    case 'run':
      writer.octet(segment.octet);
      writer.bsuint(segment.size);
      break;
    case 'data':
      writer.bsdata(segment.data);
      break;
    case 'stored': {
      const { location } = segment;
      let file = files.lastIndexOf(location.file);
      if (file < 0) file = files.push(location.file) - 1;
      writer.bsuint(file);
      writer.bsuint(location.offset);
      writer.bsuint(location.storedSize);
      writer.bsuint(location.size);
      writer.octet(CODECS.indexOf(location.codec));
      writer.bytes(segment.digest);
      writer.bsuint(segment.from);
      writer.bsuint(segment.size);
      break;
    }
  }
}

/** Unpacks what {@link packBatch} made; bytes are views of it. */
export function unpackBatch({ data, files }: PackedBatch): BatchItem[] {
  const cursor = new Cursor(data);
  const digestSize = cursor.uint();
  const items: BatchItem[] = [];
  for (let count = cursor.uint(); count > 0; count--) {
    if (cursor.octet() === ITEM.file) {
      const dir = cursor.uint();
      const name = cursor.data() as CName;
      const temporary = cursor.data() as CName;
      const size = cursor.uint();
      const attributes = unpackAttributes(cursor);
      items.push({ kind: 'file', dir, name, temporary, size, attributes, segments: unpackSegments(cursor, digestSize, files) });
    } else {
      items.push({ kind: 'part', fd: cursor.uint(), start: cursor.uint(), segments: unpackSegments(cursor, digestSize, files) });
    }
  }
  return items;
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

function unpackSegments(cursor: Cursor, digestSize: number, files: readonly string[]): Segment[] {
  const segments: Segment[] = [];
  for (let count = cursor.uint(); count > 0; count--) {
    switch (cursor.octet()) {
      case SEGMENT.run:
        segments.push({ kind: 'run', octet: cursor.octet(), size: cursor.uint() });
        break;
      case SEGMENT.data:
        segments.push({ kind: 'data', data: cursor.data() });
        break;
      default: {
        const file = files[cursor.uint()] ?? '';
        const location = {
          file,
          offset: cursor.uint(),
          storedSize: cursor.uint(),
          size: cursor.uint(),
          codec: CODECS[cursor.octet()] ?? 'none',
        };
        segments.push({ kind: 'stored', location, digest: cursor.bytes(digestSize), from: cursor.uint(), size: cursor.uint() });
      }
    }
  }
  return segments;
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
