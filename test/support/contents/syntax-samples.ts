import { constants, crc32, deflateRawSync, gzipSync } from 'node:zlib';
import type { Octets } from '../../../core/base/octets.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import { hashByName } from '../../../core/block/hash.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { encodeDatafileHeader, writeRecordHeader } from '../../../core/store/records/datafile.ts';
import type { Random } from '../random.ts';

// Contents of the syntaxes that parsers know, made by hand and from numbers that look random.

const WORDS = [
  'harbour',
  'letter',
  'of',
  'the',
  'and',
  'morning',
  'a',
  'ship',
  'answer',
  'we',
  'never',
  'stone',
  'light',
  'to',
  'seven',
] as const;

/** Words, about `size` octets of them, in lines. */
export function proseOf(random: Random, size: number): string {
  let text = '';
  let width = 0;
  while (text.length < size) {
    const word = random.pick(WORDS) + (random.chance(20) ? random.below(1000) : '');
    width += word.length + 1;
    text += width > 72 ? `\n${word}` : ` ${word}`;
    if (width > 72) width = word.length;
  }
  return text.slice(1);
}

/** A mail with its headers; with an attachment where one is given. */
export function mailOf(random: Random, bodySize: number, attachment?: Uint8Array): string {
  const headers = [
    `Received: from host${random.below(1e6)} by relay; Mon, 2 Jan 2023 15:04:${10 + random.below(50)} +0000`,
    `From: somebody${random.below(100)}@example.org`,
    `To: reader@example.org`,
    `Message-ID: <${random.bytes(10).toString('hex')}@example.org>`,
    'MIME-Version: 1.0',
  ];
  const body = `${proseOf(random, bodySize)}\n`;
  if (attachment === undefined) return `${headers.join('\n')}\nSubject: plain\n\n${body}`;
  const boundary = `=_${random.bytes(8).toString('hex')}`;
  const lines = Buffer.from(attachment).toString('base64').replace(/.{76}/g, '$&\n');
  return `${headers.join('\n')}\nContent-Type: multipart/mixed; boundary="${boundary}"\n\n--${boundary}\nContent-Type: text/plain\n\n${body}\n--${boundary}\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n${lines}\n--${boundary}--\n`;
}

/** A mailbox of mails. */
export function mboxOf(mails: readonly string[]): Buffer {
  return Buffer.from(
    mails.map((mail) => `From MAILER-DAEMON Mon Jan  2 15:04:05 2023\n${mail.replace(/^From /gm, '>From ')}\n`).join(''),
    'latin1',
  );
}

/** A data file of Blocks. */
export function vtdOf(random: Random, blocks: readonly Uint8Array[]): Buffer {
  const uuid = '00112233-4455-6677-8899-aabbccddeeff';
  const parts: Buffer[] = [
    encodeDatafileHeader({ hashName: 'sha3-256', storeId: uuid, fileId: uuid, createdNs: BigInt(random.below(1e9)) }),
  ];
  for (const block of blocks) {
    const header = Buffer.alloc(56);
    writeRecordHeader(header, 0, 'none', block.length, block.length, crc32(block), hashByName('sha3-256').digest(block));
    parts.push(header, Buffer.from(block));
  }
  return Buffer.concat(parts);
}

/** Entries for a Dir. */
export function direntsOf(random: Random, count: number): Dirent[] {
  const names = new Set<string>();
  while (names.size < count) names.add(`${random.pick(WORDS)}-${random.below(1e9)}`);
  const sink = new PendingBlocks('sha256');
  return [...names].sort().map((name) => {
    const block = { kind: 'hash', span: 5000, hashcode: { hashName: sink.hashName, digest: random.bytes(32) } } as const;
    return { kind: 'file', name: name as Octets, meta: { mode: 0o644, uid: 1000 }, block };
  });
}

/** A dump of tables; each is its rows. */
export function sqlOf(tables: ReadonlyMap<string, readonly string[]>): Buffer {
  let text = '-- MySQL dump 10.13  Distrib 8.0.35, for Linux (x86_64)\n--\n-- Host: localhost\n';
  for (const [name, rows] of tables) {
    text += `\n--\n-- Table structure for table \`${name}\`\n--\n\nCREATE TABLE \`${name}\` (\n  \`id\` int NOT NULL\n);\n`;
    for (let at = 0; at < rows.length; at += 200) text += `INSERT INTO \`${name}\` VALUES ${rows.slice(at, at + 200).join(',')};\n`;
  }
  return Buffer.from(text, 'latin1');
}

/** Rows for a table. */
export function rowsOf(random: Random, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `(${i},'${random.pick(WORDS)} ${random.below(1e6)}',${random.below(1e4) / 100})`);
}

/** JSON documents, one a line. */
export function ndjsonOf(random: Random, sizes: readonly number[]): string[] {
  return sizes.map((size, id) => JSON.stringify({ id: `${id}-${random.below(1e9)}`, text: proseOf(random, size).replaceAll('\n', ' ') }));
}

/** A gzip file of a member for each part. */
export function gzipOf(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts.map((part) => gzipSync(part)));
}

/** One gzip member, flushed after each part. */
export function flushedGzipOf(parts: readonly Uint8Array[]): Buffer {
  // Deflated each by itself and flushed, they are one stream when they are put together.
  const flushed = parts.map((part) => deflateRawSync(part, { finishFlush: constants.Z_FULL_FLUSH }));
  const whole = Buffer.concat(parts);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(whole), 0);
  trailer.writeUInt32LE(whole.length, 4);
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), ...flushed, Buffer.from([3, 0]), trailer]);
}

/** An archive of tar: headers with a name, a size and a checksum. */
export function tarOf(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, content] of files) {
    const header = Buffer.alloc(512);
    header.write(name, 0, 99, 'latin1');
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    header.write('        0', 148);
    header.write('ustar', 257);
    const sum = header.reduce((total, octet) => total + octet, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    parts.push(header, Buffer.from(content), Buffer.alloc(-content.length & 511));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** An archive of zip with deflated members, and no more of its directory than the signature. */
export function zipOf(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, content] of files) {
    const data = deflateRawSync(content);
    const header = Buffer.alloc(30 + name.length);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(8, 8);
    header.writeUInt32LE(crc32(content), 14);
    header.writeUInt32LE(data.length, 18);
    header.writeUInt32LE(content.length, 22);
    header.writeUInt16LE(name.length, 26);
    header.write(name, 30, 'latin1');
    parts.push(header, data);
  }
  return Buffer.concat([
    ...parts,
    Buffer.from('PK\x01\x02', 'latin1'),
    Buffer.alloc(42),
    Buffer.from('PK\x05\x06', 'latin1'),
    Buffer.alloc(18),
  ]);
}

/** Boxes of ISO media: a table of chunks, then the chunks. */
export function mp4Of(chunks: readonly Uint8Array[]): Buffer {
  const box = (type: string, ...content: Uint8Array[]): Buffer => {
    const body = Buffer.concat(content);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + body.length);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, body]);
  };
  const make = (firstChunk: number): Buffer => {
    const table = Buffer.alloc(8 + 4 * chunks.length);
    table.writeUInt32BE(chunks.length, 4);
    let at = firstChunk;
    chunks.forEach((chunk, i) => {
      table.writeUInt32BE(at, 8 + 4 * i);
      at += chunk.length;
    });
    const moov = box('moov', box('trak', box('mdia', box('minf', box('stbl', box('stco', table))))));
    return Buffer.concat([box('ftyp', Buffer.from('isom\0\0\x02\0isomiso2', 'latin1')), moov, box('mdat', ...chunks)]);
  };
  const size = make(0).length - chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return make(size);
}

/** A PDF with a stream for each part; its table of objects is left out. */
export function pdfOf(streams: readonly Uint8Array[]): Buffer {
  const parts = streams.flatMap((stream, i) => [
    Buffer.from(`${i + 1} 0 obj\n<< /Length ${stream.length} >>\nstream\n`, 'latin1'),
    Buffer.from(stream),
    Buffer.from('\nendstream\nendobj\n', 'latin1'),
  ]);
  return Buffer.concat([
    Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1'),
    ...parts,
    Buffer.from('trailer\n<< /Size 1 >>\n%%EOF\n', 'latin1'),
  ]);
}

/** MP3 frames of 128 kbit/s at 44.1 kHz, behind a tag. */
export function mp3Of(random: Random, frames: number): Buffer {
  const tag = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\x10\0', 'latin1'), Buffer.alloc(2048)]);
  const parts = Array.from({ length: frames }, () => Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x00]), random.bytes(413)]));
  return Buffer.concat([tag, ...parts]);
}

/** One content of every syntax, by the name of its parser. */
export function syntaxSamples(random: Random): Map<string, Buffer> {
  const blobs = [9000, 300, 20_000, 2500].map((size) => random.bytes(size));
  const files = new Map(blobs.map((blob, i) => [`dir/file${i}`, blob]));
  const mails = [500, 3000, 9000].map((size, i) => mailOf(random, size, i === 1 ? blobs[0] : undefined));
  return new Map([
    ['vtd', vtdOf(random, blobs)],
    ['tar', tarOf(files)],
    ['zip', zipOf(files)],
    ['gzip', Buffer.concat([gzipOf(blobs), flushedGzipOf(blobs)])],
    ['pdf', pdfOf(blobs)],
    ['mp4', mp4Of(blobs)],
    ['mp3', mp3Of(random, 60)],
    ['dirents', Buffer.concat(direntsOf(random, 300).map((dirent) => encodeDirent(dirent)))],
    ['mbox', mboxOf(mails)],
    ['mail', Buffer.from(mails[1] ?? '', 'latin1')],
    [
      'sql',
      sqlOf(
        new Map([
          ['a', rowsOf(random, 400)],
          ['b', rowsOf(random, 20)],
        ]),
      ),
    ],
    ['lines', Buffer.from(`${ndjsonOf(random, [30, 6000, 20, 2500, 40, 40]).join('\n')}\n`, 'latin1')],
    ['text', Buffer.from(`${[300, 5000, 200, 200, 8000].map((size) => proseOf(random, size)).join('\n\n')}\n`, 'latin1')],
  ]);
}
