import fc from 'fast-check';
import { CopyBuffer } from '../../../core/base/copy-buffer.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { TextReader } from '../../../core/base/text-reader.ts';
import type { Block } from '../../../core/block/block.ts';
import { UNKNOWN_SPAN } from '../../../core/block/block.ts';
import { formatBlock, parseBlock } from '../../../core/block/block-text.ts';
import { decodeBlockref, encodeBlockref } from '../../../core/block/blockref.ts';
import { DirWriter, decodeDir, decodeDirStream } from '../../../core/dirent/dir-codec.ts';
import type { Dirent, DirentKind } from '../../../core/dirent/dirent.ts';
import { decodeDirent, encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { formatDirent, parseDirent } from '../../../core/dirent/dirent-text.ts';
import { formatMeta, readMetaItems } from '../../../core/dirent/meta-text.ts';
import { parsePythonMeta } from '../../../core/dirent/python-vt/meta.ts';
import { decodeXattrs } from '../../../core/dirent/xattrs-codec.ts';
import { blocks, dirents, metas, names } from '../arbitraries.ts';
import { MapSource } from '../stores/map-source.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { bucket, decoded, must, mustEqual, refusalOf } from './fuzz-target.ts';
import { goldenObjects, samples, texts } from './golden-seeds.ts';

/** Whether a Block's text can be written as bytes: those need every span but that of what lists others. */
function hasSpans(block: Block): boolean {
  return block.span !== UNKNOWN_SPAN && (block.kind !== 'sub' || hasSpans(block.base));
}

function checkBlock(block: Block): string {
  const text = formatBlock(block);
  mustEqual(formatBlock(parseBlock(text)), text, 'the text of a Block, read back');
  if (!hasSpans(block)) return 'without span';
  const encoded = encodeBlockref(block);
  // The text may say more than bytes do: the span of what lists others.
  mustEqual(encodeBlockref(decodeBlockref(encoded, 0).value).toString('hex'), encoded.toString('hex'), 'the bytes of a Block, read back');
  return `${block.kind} ${bucket(encoded.length)}`;
}

/** A Dirent that was read must be written, in bytes and in text, so that it is read back to the same. */
function checkDirent(dirent: Dirent): string {
  const text = formatDirent(dirent);
  mustEqual(formatDirent(parseDirent(text)), text, 'the text of a Dirent, read back');
  const fields = Object.keys(dirent).concat(Object.keys(dirent.meta)).sort().join();
  const inner = [
    dirent.kind === 'file' || dirent.kind === 'dir' ? dirent.block : undefined,
    dirent.kind === 'dir' ? dirent.inodes : undefined,
    dirent.prev,
  ];
  if (inner.some((block) => block !== undefined && !hasSpans(block))) return `${dirent.kind} without spans: ${fields}`;
  if ((dirent.unknown?.length ?? 0) > 200) return 'more fields than bytes have room for';
  const encoded = encodeDirent(dirent);
  mustEqual(encodeDirent(decodeDirent(encoded, 0).value).toString('hex'), encoded.toString('hex'), 'the bytes of a Dirent, read back');
  return `${dirent.kind}: ${fields} ${bucket(encoded.length)}`;
}

function encodedDir(entries: readonly Dirent[]): Buffer {
  const map = new MapSource();
  const writer = new DirWriter(map);
  for (const entry of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) writer.add(entry);
  writer.finish();
  // The leaves alone: what lists them is no Dir.
  return Buffer.concat([...map.blocks.values()].filter((data) => decodes(data)));
}

function decodes(data: Uint8Array): boolean {
  try {
    return decodeDir(data).length > 0;
  } catch {
    return false;
  }
}

/** Dirs as bytes, whole and as they stream in portions, must come to the same entries or the same refusal. */
async function checkDir(data: Buffer, portion: number): Promise<string> {
  const whole = decoded(() => decodeDir(data));
  const streamed: Dirent[] = [];
  let refusal: string | undefined;
  const portions = function* (): Generator<Buffer> {
    for (let at = 0; at < data.length; at += portion) yield data.subarray(at, at + portion);
  };
  const buffer = CopyBuffer.of(portions());
  try {
    for await (const entries of decodeDirStream(buffer)) streamed.push(...entries);
  } catch (error) {
    refusal = refusalOf(error, ['EPARSE', 'EUNSUPPORTED', 'ECORRUPT']);
  }
  if ('refusal' in whole) {
    must(refusal !== undefined, `a stream took what was refused as a whole: ${whole.refusal}`);
    return whole.refusal;
  }
  must(refusal === undefined, `a stream refused what was taken as a whole: ${refusal}`);
  mustEqual(streamed.map(formatDirent).join('\n'), whole.value.map(formatDirent).join('\n'), 'a Dir as a stream');
  for (const entry of whole.value.slice(0, 50)) checkDirent(entry);
  return `a Dir of ${bucket(whole.value.length)}`;
}

const dirs = fc.uniqueArray(fc.tuple(names, dirents), { minLength: 1, maxLength: 30, selector: ([name]) => name });
const asKind = (data: Buffer): DirentKind => (['file', 'dir', 'symlink', 'indirect'] as const)[(data[0] ?? 0) & 3] ?? 'file';

/** References, Dirents, metadata and Dirs, in bytes and in text. */
export const OBJECT_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'blockref',
    seeds: () => [...goldenObjects('hex', /^(0|2|1|8)/), ...samples(blocks, encodeBlockref)],
    check(data) {
      const found = decoded(() => decodeBlockref(data, 0));
      return 'refusal' in found ? found.refusal : checkBlock(found.value.value);
    },
  },
  {
    name: 'block-text',
    seeds: () => [...goldenObjects('text', /^(B|I|LB|RLE|SubB)\{/), ...samples(blocks, formatBlock)],
    tokens: ['B{hash:', 'I{', 'LB{', 'RLE{span:', ',octet:', 'SubB{block:', ',offset:', ',span:', 'H{sha1:', '[', ']}'],
    check(data) {
      const found = decoded(() => parseBlock(data.toString('latin1')));
      return 'refusal' in found ? found.refusal : checkBlock(found.value);
    },
  },
  {
    name: 'dirent',
    seeds: () => [...goldenObjects('hex', /^..76/), ...goldenObjects('hex', /^0[0-3]/), ...samples(dirents, encodeDirent, 200)],
    check(data) {
      const found = decoded(() => decodeDirent(data, 0));
      return 'refusal' in found ? found.refusal : checkDirent(found.value.value);
    },
  },
  {
    name: 'python-dirent',
    seeds: () => goldenObjects('hex', /^0[0-3]/),
    tokens: [
      '{"u":"',
      ';m:1577934245.678901',
      ';a:o:rw-x,g:r-wx,*:-rwx',
      'u:ada;g:staff',
      '","pathref":"',
      '"fs_inode_dirents":"',
      '"x":{"user.a":"',
    ],
    mend: (data) => {
      data[0] = (data[0] ?? 0) & 3;
      return data;
    },
    check(data) {
      const found = decoded(() => decodeDirent(data, 0));
      return 'refusal' in found ? found.refusal : checkDirent(found.value.value);
    },
  },
  {
    name: 'dirent-text',
    seeds: () => [...goldenObjects('text', /^(F|D|SymLink|Indirect)\{/), ...samples(dirents, formatDirent, 200)],
    tokens: [
      'F{name:"',
      'D{block:',
      'meta:M{',
      'xattrs:{"',
      'prev:',
      'inodes:',
      'x74:"',
      '\\xff',
      '\\ud83d\\ude00',
      '\\udc80',
      'salt:"',
      'rdev:1:2',
    ],
    check(data) {
      const found = decoded(() => parseDirent(data.toString('latin1')));
      return 'refusal' in found ? found.refusal : checkDirent(found.value);
    },
  },
  {
    name: 'meta',
    seeds: () => [
      ...samples(metas, formatMeta, 100).map((text) => text.subarray(2)),
      ...texts('u:ada;g:staff;a:o:rw-x,*:r-wx;m:1577934245.678901;su:True', '{"u":"ada","m":1.5,"x":{"user.a":"\\u00ff"},"pathref":"a/b"}'),
      Buffer.from('0141024243', 'hex'),
    ],
    check(data) {
      const text = data.toString('latin1');
      const ours = decoded(() => readMetaItems(new TextReader(text)));
      const kinds = [describe(ours)];
      if ('value' in ours) {
        const written = formatMeta(ours.value);
        if (written !== undefined) mustEqual(formatMeta(readMetaItems(new TextReader(written, 2))), written, 'metadata, read back');
      }
      kinds.push(describe(decoded(() => parsePythonMeta(data.toString('utf8'), asKind(data)))));
      kinds.push(describe(decoded(() => decodeXattrs(data))));
      return kinds.join(' / ');
    },
  },
  {
    name: 'dir',
    seeds: () => [
      ...samples(dirs, (entries) => encodedDir(entries.map(([name, dirent]) => ({ ...dirent, name: name as Octets }))), 30),
      ...goldenObjects('hex', /^0[0-3]/),
    ],
    check: async (data, random) => await checkDir(data, 1 + random.below(data.length > 4000 ? 40_000 : 300)),
  },
];

function describe(found: { readonly value: unknown } | { readonly refusal: string }): string {
  if ('refusal' in found) return found.refusal;
  return found.value instanceof Map ? `${bucket(found.value.size)} xattrs` : Object.keys(found.value as object).join();
}
