import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { octetsToBytes } from '../../../core/base/octets.ts';
import type { Block } from '../../../core/block/block.ts';
import { UNKNOWN_SPAN } from '../../../core/block/block.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { encodeBlockref } from '../../../core/block/blockref.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import { scanDatafile } from '../../../core/datadir/datafiles/datafile-scan.ts';
import { blockShape, decodeHead } from '../../../core/datadir/index/index-head.ts';
import { IndexRun } from '../../../core/datadir/index/index-run.ts';
import { IndexDamagedError } from '../../../core/datadir/index/index-types.ts';
import { scanPythonDatafile } from '../../../core/datadir/python-vt/python-datafile-scan.ts';
import { readDirBatches } from '../../../core/dirent/dir-codec.ts';
import { parseScrubbed } from '../../../core/maintain/scrub-record.ts';
import { openStore } from '../../../core/openers/open-store.ts';
import { DATAFILE_HEADER_SIZE, decodeDatafileHeader, RECORD_FIXED_SIZE } from '../../../core/store/records/datafile.ts';
import { blocks } from '../arbitraries.ts';
import type { Random } from '../random.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { bucket, must, refusalOf } from './fuzz-target.ts';
import { goldenFile, samples, texts } from './golden-seeds.ts';

/** Runs something over a file that holds `data`, in memory where there is such a folder. */
async function withFile<T>(data: Buffer, name: string, run: (folder: string, fd: number) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-fuzz-'));
  writeFileSync(join(folder, name), data);
  const fd = openSync(join(folder, name), 'r');
  try {
    return await run(folder, fd);
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
}

/** Makes the checks of a data file's header and of some records hold again. */
function mendChecks(data: Buffer, random: Random): Buffer {
  const out = Buffer.from(data);
  if (out.length >= DATAFILE_HEADER_SIZE) out.writeUInt32LE(crc32(out.subarray(0, 60)), 60);
  const size = RECORD_FIXED_SIZE + hashByName('sha3-256').digestSize;
  for (let at = out.indexOf('vtR1'); at >= 0 && at + size <= out.length; at = out.indexOf('vtR1', at + 4)) {
    if (random.chance(80)) out.writeUInt32LE(crc32(out.subarray(at + 8, at + size)), at + 4);
  }
  return out;
}

async function indexSeed(count: number): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-fuzz-'));
  try {
    const path = join(folder, 'store');
    const store = await openStore(`datadir:"${path}"`, { defaultStorePath: path, cachePath: folder, create: true });
    for (let i = 0; i < count; i++) await store.add?.(Buffer.from(`Block ${i}`));
    await store[Symbol.asyncDispose]();
    return readFileSync(join(path, 'index', 'head'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A Store that lies: whatever it is asked for, it gives the one Block that it has. */
function echoing(data: Uint8Array): BlockSource & { asked: number } {
  return {
    name: 'fuzz',
    asked: 0,
    async get() {
      this.asked++;
      return data;
    },
  };
}

/** Leaves looked at, at most: a tree may truthfully say that it has 2^53. */
const MAX_LEAVES = 2000;

const TOP_SPANS: readonly [number, ...number[]] = [UNKNOWN_SPAN, 0, 1, 100, 1_000_000, 2 ** 40, Number.MAX_SAFE_INTEGER];

/** Trees that lead to themselves and that lie about their spans: they end, by their depth or their span. */
async function checkTree(data: Buffer, random: Random): Promise<string> {
  const source = echoing(data);
  const refs = { kind: 'hash', span: data.length, hashcode: hashcodeOf('sha3-256', data) } as const;
  const block: Block = { kind: 'indirect', span: random.pick(TOP_SPANS), refs };
  const kinds: string[] = [];
  let leaves = 0;
  try {
    let end = 0;
    for await (const { start, size } of leavesOf(source, block)) {
      must(start === end && size > 0, `a leaf of ${size} octets at ${start} after ${end}`);
      end = start + size;
      if (++leaves >= MAX_LEAVES) break;
    }
  } catch (error) {
    kinds.push(refusalOf(error, ['ECORRUPT', 'EMISSING']));
  }
  try {
    let entries = 0;
    for await (const batch of readDirBatches(source, { kind: 'hash', span: data.length, hashcode: refs.hashcode })) entries += batch.length;
    kinds.push(`a Dir of ${entries}`);
  } catch (error) {
    kinds.push(refusalOf(error, ['ECORRUPT', 'EMISSING', 'EPARSE', 'EUNSUPPORTED']));
  }
  return `${bucket(leaves)} leaves, ${bucket(source.asked)} asked: ${kinds.join(' / ')}`;
}

/** Files of Stores, and trees over a hostile one. */
export const STORE_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'datafile',
    seeds: () => [goldenFile('vtftp/four-blocks.vtd')],
    tokens: ['vtR1'],
    mend: mendChecks,
    check: async (data) => {
      const start = decodeDatafileHeader(data);
      const hash = hashByName(start.kind === 'header' ? start.header.hashName : 'sha3-256');
      let records = 0;
      const found = await withFile(data, 'fuzz.vtd', async (_, fd) =>
        scanDatafile(fd, {
          start: Math.min(DATAFILE_HEADER_SIZE, data.length),
          end: data.length,
          hash,
          distrust: start.kind !== 'header',
          onRecord: ({ offset, storedSize }) => {
            must(offset + storedSize <= data.length, `a record from ${offset} of ${storedSize} octets`);
            records++;
          },
        }),
      );
      must(found.indexedTo <= data.length, `a scan up to ${found.indexedTo}`);
      return `${start.kind} ${hash.name} ${bucket(records)} ${found.damage.map(({ kind }) => kind).slice(0, 5)}`;
    },
  },
  {
    name: 'python-datafile',
    seeds: () => [
      goldenFile('python-vt/sha1/store/data/b0d2e0f4-0016-4017-bf20-bbf59c25356f.vtd'),
      goldenFile('python-vt/pack/store/data/4cddfb97-b619-459c-98b2-faf5a3600af3.vtd').subarray(0, 60_000),
      // Records of an octet that are none of zlib's.
      Buffer.alloc(60_000, 1),
    ],
    check: async (data) => {
      let records = 0;
      const found = await withFile(data, 'fuzz.vtd', async (_, fd) =>
        scanPythonDatafile(fd, {
          start: 0,
          end: data.length,
          hash: hashByName('sha1'),
          onRecord: ({ offset, storedSize }) => {
            must(offset + storedSize <= data.length, `a record from ${offset} of ${storedSize} octets`);
            records++;
          },
          pause: async () => undefined,
        }),
      );
      return `${bucket(records)} ${found.damage.map(({ kind }) => kind).slice(0, 5)} ${bucket(found.indexedTo)}`;
    },
  },
  {
    name: 'index-head',
    maxSize: 1 << 20,
    seeds: async () => [await indexSeed(3), await indexSeed(600)],
    mend(data) {
      const body = data.subarray(data.indexOf(0x0a) + 1);
      const length = body.indexOf(0x0a) + 1;
      return Buffer.concat([Buffer.from(`vtftp-index 2 ${crc32(body).toString(16).padStart(8, '0')} ${length}\n`), body]);
    },
    check: (data) => {
      const head = decodeHead(data);
      if (typeof head === 'string') return head.replace(/".*"|\d+/g, '#');
      const { recent } = head.blocks;
      if (recent === undefined) return 'empty';
      let records = 0;
      try {
        const cursor = IndexRun.inMemory(recent.info, blockShape(head.hashName), recent.octets).cursor();
        while (cursor.next()) records++;
      } catch (error) {
        if (!(error instanceof IndexDamagedError)) throw error;
        return 'damaged page';
      }
      must(records * 51 <= recent.octets.length, `${records} records in ${recent.octets.length} octets`);
      return `${bucket(records)} records`;
    },
  },
  {
    name: 'scrub-record',
    seeds: () => {
      const body = '64 1000 1795364221 01234567-89ab-cdef-0123-456789abcdef.vtd\n64 99 1795364221 a.vtd\n';
      return texts(`${body}crc32 ${crc32(body).toString(16).padStart(8, '0')}\n`);
    },
    mend(data) {
      const body = octetsToBytes(data.toString('latin1').replace(/crc32 .*\n$/, '') as Parameters<typeof octetsToBytes>[0]);
      return Buffer.concat([body, Buffer.from(`crc32 ${crc32(body).toString(16).padStart(8, '0')}\n`)]);
    },
    check: (data) => `${bucket(parseScrubbed(data.toString('latin1')).length)} parts`,
  },
  {
    name: 'tree',
    seeds: () => [
      ...samples(blocks, encodeBlockref, 60),
      Buffer.concat(samples(blocks, encodeBlockref, 12)),
      // Superblocks that list themselves.
      ...[0, 1, 100].map((span) =>
        Buffer.concat([
          encodeBlockref({
            kind: 'indirect',
            span,
            refs: { kind: 'hash', span: UNKNOWN_SPAN, hashcode: hashcodeOf('sha1', Buffer.alloc(0)) },
          }),
          encodeBlockref({ kind: 'run', span: 3, octet: 0 }),
        ]),
      ),
    ],
    check: checkTree,
  },
];
