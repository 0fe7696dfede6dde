import { crc32, deflateRawSync } from 'node:zlib';
import type { Random } from '../random.ts';

// Files of other programs' formats, as small as their specifications allow.

export interface ZipMember {
  readonly name: string;
  readonly content: Buffer;
  readonly stored?: boolean;
  /** Whether the sizes come after the content: in a data descriptor. */
  readonly streamed?: boolean;
  /** Whether sizes have eight octets. */
  readonly zip64?: boolean;
}

/** A zip archive. @see APPNOTE.TXT 6.3.10, 4.3 */
export function zipOf(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, stored = false, streamed = false, zip64 = false } of members) {
    const data = stored ? content : deflateRawSync(content);
    const sizes = Buffer.alloc(zip64 ? 16 : 8);
    if (zip64) {
      sizes.writeBigUInt64LE(BigInt(zip64 && streamed ? data.length : content.length), 0);
      sizes.writeBigUInt64LE(BigInt(zip64 && streamed ? content.length : data.length), 8);
    } else {
      sizes.writeUInt32LE(data.length, 0);
      sizes.writeUInt32LE(content.length, 4);
    }
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(zip64 ? 45 : 20, 4);
    header.writeUInt16LE(streamed ? 8 : 0, 6);
    header.writeUInt16LE(stored ? 0 : 8, 8);
    let extra = Buffer.alloc(0);
    const check = Buffer.alloc(4);
    check.writeUInt32LE(crc32(content), 0);
    if (!streamed) {
      check.copy(header, 14);
      if (zip64) {
        header.fill(0xff, 18, 26);
        // After another extra field, as there often is.
        extra = Buffer.concat([Buffer.from('5558040001020304', 'hex'), Buffer.from('01001000', 'hex'), sizes]);
      } else sizes.copy(header, 18);
    }
    header.writeUInt16LE(name.length, 26);
    header.writeUInt16LE(extra.length, 28);
    const descriptor = streamed ? [Buffer.from('PK\x07\x08', 'latin1'), check, sizes] : [];
    const member = Buffer.concat([header, Buffer.from(name), extra, data, ...descriptor]);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    header.copy(entry, 6, 4, 28);
    check.copy(entry, 16);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name));
    parts.push(member);
    offset += member.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

/** Octets of the frames that `mp3Frames` makes: MPEG 1 layer III, 128 kbit/s, 44,100 Hz. @see ISO/IEC 11172-3, 2.4.3.1 */
export const MP3_FRAME_SIZE = 417;

export function mp3Frames(random: Random, count: number): Buffer {
  const frames: Buffer[] = [];
  for (let i = 0; i < count; i++) frames.push(Buffer.from('fffb9064', 'hex'), random.bytes(MP3_FRAME_SIZE - 4));
  return Buffer.concat(frames);
}

/** An ID3v2.4 tag around `content`. @see id3.org, "ID3 tag version 2.4.0 - Main Structure", 3.1 */
export function id3Tag(content: Uint8Array): Buffer {
  const { length } = content;
  const header = Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, length >> 21, (length >> 14) & 0x7f, (length >> 7) & 0x7f, length & 0x7f]);
  return Buffer.concat([header, content]);
}

/** An APEv2 tag with a header and a footer around `items`. @see wiki.hydrogenaud.io, "APE Tags Header" */
export function apeTag(items: Uint8Array): Buffer {
  const [header, footer] = [0xa0000000, 0x80000000].map((flags) => {
    const block = Buffer.alloc(32);
    block.write('APETAGEX', 0);
    block.writeUInt32LE(2000, 8);
    block.writeUInt32LE(items.length + 32, 12);
    block.writeUInt32LE(1, 16);
    block.writeUInt32LE(flags, 20);
    return block;
  });
  return Buffer.concat([header ?? Buffer.alloc(0), items, footer ?? Buffer.alloc(0)]);
}

/** An ISO media box. @param large - whether its size has eight octets; @see ISO/IEC 14496-12, 4.2 */
export function box(type: string, content: readonly Uint8Array[], large = false): Buffer {
  const size = content.reduce((sum, { length }) => sum + length, large ? 16 : 8);
  const header = Buffer.alloc(large ? 16 : 8);
  header.writeUInt32BE(large ? 1 : size, 0);
  header.write(type, 4, 'latin1');
  if (large) header.writeBigUInt64BE(BigInt(size), 8);
  return Buffer.concat([header, ...content]);
}

/** A `moov` box whose tracks have their chunks at these offsets, each in a `stco`, or a `co64`. @see ISO/IEC 14496-12, 8.7.5 */
export function moovBox(tracks: readonly (readonly number[])[], metadata: Uint8Array, isLarge = false): Buffer {
  const traks = tracks.map((offsets) => {
    const table = Buffer.alloc(8 + offsets.length * (isLarge ? 8 : 4));
    table.writeUInt32BE(offsets.length, 4);
    for (const [i, offset] of offsets.entries()) {
      if (isLarge) table.writeBigUInt64BE(BigInt(offset), 8 + i * 8);
      else table.writeUInt32BE(offset, 8 + i * 4);
    }
    const stbl = box('stbl', [box('stsd', [Buffer.alloc(100, 1)]), box(isLarge ? 'co64' : 'stco', [table])]);
    return box('trak', [box('tkhd', [Buffer.alloc(84)]), box('mdia', [box('minf', [stbl])])]);
  });
  return box('moov', [box('mvhd', [Buffer.alloc(100)]), ...traks, box('udta', [metadata])]);
}

/** Objects of a PDF: a dictionary alone, or a stream. @see ISO 32000-1, 7.3 and 7.5 */
export function pdfOf(streams: readonly Uint8Array[], eol = '\n'): Buffer {
  return appendToPdf(Buffer.from(`%PDF-1.7${eol}`), streams, 1, eol);
}

/** The file saved incrementally: objects, a cross-reference table and a trailer after all there was. @see ISO 32000-1, 7.5.6 */
export function appendToPdf(pdf: Uint8Array, streams: readonly Uint8Array[], firstNumber: number, eol = '\n'): Buffer {
  const parts: Uint8Array[] = [pdf];
  const offsets: number[] = [];
  let offset = pdf.length;
  const add = (part: Uint8Array): void => {
    parts.push(part);
    offset += part.length;
  };
  for (const [i, stream] of streams.entries()) {
    offsets.push(offset);
    add(Buffer.from(`${firstNumber + i} 0 obj${eol}<</Length ${stream.length}>>${eol}stream${eol}`));
    add(stream);
    add(Buffer.from(`${eol}endstream${eol}endobj${eol}`));
  }
  const start = offset;
  const entries = offsets.map((at) => `${at.toString().padStart(10, '0')} 00000 n \n`).join('');
  const table = `xref${eol}${firstNumber} ${streams.length}${eol}${entries}`;
  add(Buffer.from(`${table}trailer${eol}<</Size ${firstNumber + streams.length}>>${eol}startxref${eol}${start}${eol}%%EOF${eol}`));
  return Buffer.concat(parts);
}
