import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { formatArchiveLine, parseArchiveLine } from '../../core/archive/archive-line.ts';
import { decodeBsdata, decodeBsuint, encodeBsuint } from '../../core/base/bsuint.ts';
import { ByteWriter } from '../../core/base/byte-writer.ts';
import { formatBlock, parseBlock } from '../../core/block/block-text.ts';
import { decodeBlockref, encodeBlockref } from '../../core/block/blockref.ts';
import type { HashName } from '../../core/block/hash.ts';
import { hashByName } from '../../core/block/hash.ts';
import { decodeHashcode, digestHex, writeHashcode } from '../../core/block/hashcode.ts';
import { formatHashcode, parseHashcode } from '../../core/block/hashcode-text.ts';
import { decodeNameRecord, encodeNameRecord } from '../../core/datadir/names/name-record.ts';
import { decodeDir } from '../../core/dirent/dir-codec.ts';
import { decodeDirent, encodeDirent } from '../../core/dirent/dirent-codec.ts';
import { formatDirent, parseDirent } from '../../core/dirent/dirent-text.ts';
import { decodeTime, encodeTime, formatTime } from '../../core/dirent/time-codec.ts';
import { formatUri, parseUri } from '../../core/dirent/uri.ts';
import {
  DATAFILE_HEADER_SIZE,
  decodeDatafileHeader,
  decodeRecordHeader,
  encodeGap,
  GAP_KIND,
  RECORD_FIXED_SIZE,
} from '../../core/store/records/datafile.ts';
import { DatafileIndex, decodeFooter, encodeFooter, footerSize, PlaceList } from '../../core/store/records/datafile-index.ts';
import { decodePart, encodePart, unpackFrame } from '../../core/store/records/frame.ts';
import { PROJECT_ROOT } from '../support/project.ts';

// The worked examples of man/vt.5: a display that starts with one of the kinds below, lines of text at two columns, lines
// of octets at four.

interface Example {
  readonly kind: string;
  readonly lines: readonly string[];
  /** The lines joined. */
  readonly text: string;
  readonly bytes: Buffer;
}

const CHECKS: Readonly<Record<string, (example: Example) => void>> = {
  Integer({ text, bytes }) {
    assert.deepEqual(decodeBsuint(bytes, 0), { value: Number(text), next: bytes.length });
    assert.deepEqual(Buffer.from(encodeBsuint(Number(text))), bytes);
  },
  Data({ text, bytes }) {
    assert.equal(Buffer.from(decodeBsdata(bytes, 0).value).toString(), text);
  },
  Hashcode({ text, bytes }) {
    assert.equal(formatHashcode(decodeHashcode(bytes, 0).value), text);
    const writer = new ByteWriter();
    writeHashcode(writer, parseHashcode(text));
    assert.deepEqual(writer.take(), bytes);
    assert.equal(text.includes(digestHex(hashByName(parseHashcode(text).hashName).digest(Buffer.from('abc')))), true);
  },
  Block({ text, bytes }) {
    const { value, next } = decodeBlockref(bytes, 0);
    assert.equal(next, bytes.length);
    assert.equal(formatBlock(value), text);
    assert.deepEqual(encodeBlockref(parseBlock(text)), bytes);
  },
  Time({ text, bytes }) {
    assert.equal(formatTime(decodeTime(bytes)), text);
    assert.deepEqual(encodeTime(decodeTime(bytes)), bytes);
  },
  Dirent({ text, bytes }) {
    const { value, next } = decodeDirent(bytes, 0);
    assert.equal(next, bytes.length);
    assert.equal(formatDirent(value), text);
    assert.deepEqual(encodeDirent(parseDirent(text)), bytes);
  },
  Dir({ lines, bytes }) {
    assert.deepEqual(decodeDir(bytes).map(formatDirent), lines);
  },
  'Python Dirent'({ text, bytes }) {
    const { value, next } = decodeDirent(bytes, 0);
    assert.equal(next, bytes.length);
    assert.equal(formatDirent(value), text);
  },
  URI({ text }) {
    assert.equal(formatUri(parseUri(text)), text);
  },
  Archive({ lines }) {
    const line = parseArchiveLine(lines.join(' '));
    assert.ok(line !== undefined);
    assert.equal(formatArchiveLine(line), lines.join(' '));
  },
  'Data file header'({ text, bytes }) {
    assert.equal(bytes.length, DATAFILE_HEADER_SIZE);
    const start = decodeDatafileHeader(bytes);
    assert.equal(start.kind === 'header' && `store ${start.header.storeId}`, text);
  },
  Record({ text, bytes }) {
    const [hashName = ''] = text.split(' ');
    const { digestSize, digest } = hashByName(hashName as HashName);
    const header = decodeRecordHeader(bytes, 0, digestSize);
    assert.equal(`${hashName} ${digestHex(header?.digest ?? new Uint8Array(0))}`, text);
    const data = bytes.subarray(RECORD_FIXED_SIZE + digestSize);
    assert.deepEqual(Buffer.from(digest(data)), header?.digest);
    assert.equal(header?.storedSize, data.length);
  },
  'Index record'({ text, bytes }) {
    const header = decodeRecordHeader(bytes, 0, 32);
    const payload = bytes.subarray(RECORD_FIXED_SIZE + 32);
    assert.deepEqual(encodeGap(GAP_KIND.index, 32, payload), bytes);
    assert.ok(header?.isGap === true && header.storedSize === payload.length);
    const places = [...new DatafileIndex(32, [payload]).entries()];
    assert.equal(`${places.length} entries`, text);
    const list = new PlaceList(32);
    for (const [digest, place] of places.reverse()) list.add(digest, place);
    assert.deepEqual([...list.records()], [bytes]);
  },
  Frame({ text, bytes }) {
    const header = decodeRecordHeader(bytes, 0, 32);
    const payload = bytes.subarray(RECORD_FIXED_SIZE + 32);
    assert.deepEqual(encodeGap(GAP_KIND.frame, 32, payload), bytes);
    assert.equal(header?.storedSize, payload.length);
    assert.equal(`${unpackFrame(payload)?.length} bytes`, text);
  },
  'Record in a frame'({ text, bytes }) {
    const header = decodeRecordHeader(bytes, 0, 32);
    const stored = bytes.subarray(RECORD_FIXED_SIZE + 32);
    const part = decodePart(stored);
    assert.ok(header?.codec === 'part' && part !== undefined);
    assert.equal(`back ${part.back} frame ${part.frameSize} start ${part.start}`, text);
    assert.deepEqual(encodePart(part), stored);
  },
  'Name record'({ text, bytes }) {
    const pair = decodeNameRecord(bytes, ['sha1', 'sha3-256']);
    assert.ok(pair !== undefined);
    assert.equal(pair.refs.map(formatBlock).join(''), text);
    assert.deepEqual(encodeNameRecord(pair), bytes);
  },
  Footer({ text, bytes }) {
    assert.equal(bytes.length, footerSize(32));
    const footer = decodeFooter(bytes.subarray(RECORD_FIXED_SIZE + 32));
    assert.ok(footer !== undefined);
    assert.equal(`index ${footer.indexStart} contents ${footer.metadataEnd}`, text);
    assert.deepEqual(encodeFooter(footer, 32), bytes);
  },
};

function examplesOf(page: string): Example[] {
  const found: Example[] = [];
  for (const [, display = ''] of page.matchAll(/^\.Bd -literal\n([\s\S]*?)\n\.Ed$/gm)) {
    const [kind = '', ...rest] = display.replaceAll('\\e', '\\').split('\n');
    if (!Object.hasOwn(CHECKS, kind)) continue;
    const lines: string[] = [];
    let hex = '';
    for (const line of rest) {
      const octets = /^ {4}((?:[\da-f]{2} )*[\da-f]{2})(?: {2,}\S.*)?$/.exec(line)?.[1];
      if (octets !== undefined) hex += octets.replaceAll(' ', '');
      else if (/^ {2}\S/.test(line)) lines.push(line.slice(2));
      else throw new assert.AssertionError({ message: `not understood: "${line}"` });
    }
    found.push({ kind, lines, text: lines.join(''), bytes: Buffer.from(hex, 'hex') });
  }
  return found;
}

describe('the worked examples of vt(5)', () => {
  const examples = examplesOf(readFileSync(join(PROJECT_ROOT, 'man/vt.5'), 'utf8'));

  it('there are some of every kind', () => {
    for (const kind of Object.keys(CHECKS))
      assert.ok(
        examples.some((example) => example.kind === kind),
        kind,
      );
    assert.ok(examples.length >= 28, `${examples.length} examples`);
  });

  for (const example of examples) {
    it(`${example.kind} ${example.text.slice(0, 40)}`, () => CHECKS[example.kind]?.(example));
  }
});
