import fc from 'fast-check';
import type { Octets } from '../../core/base/octets.ts';
import type { Block } from '../../core/block/block.ts';
import { UNKNOWN_SPAN } from '../../core/block/block.ts';
import { HASH_NAMES, hashByName } from '../../core/block/hash.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import type { Dirent, UnknownField } from '../../core/dirent/dirent.ts';
import type { DirentFields } from '../../core/dirent/dirent-fields.ts';
import { assembleDirent, direntNameFault } from '../../core/dirent/dirent-fields.ts';
import type { Meta } from '../../core/dirent/meta.ts';

// Anything that our formats can hold, for property tests.

/** Records as object literals make them. */
const PLAIN = { noNullPrototype: true } as const;

/** Octets of all values, and often those that matter to grammars. */
export function octets(constraints: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<Octets> {
  const octet = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(...Buffer.from('"\\{}[]:,;/ %\'\n\0\x1b\x7f\xff', 'latin1')),
    fc.integer({ min: 0x20, max: 0x7e }),
  );
  return fc.array(octet, { maxLength: 24, ...constraints }).map((values) => String.fromCharCode(...values) as Octets);
}

/** Bytes. */
export function bytes(constraints: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength: 24, ...constraints });
}

export const hashcodes: fc.Arbitrary<HashCode> = fc.constantFrom(...HASH_NAMES).chain((hashName) => {
  const { digestSize } = hashByName(hashName);
  return fc.uint8Array({ minLength: digestSize, maxLength: digestSize }).map((digest) => ({ hashName, digest }));
});

const spans = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }));
const literals: fc.Arbitrary<Block> = bytes({ maxLength: 40 }).map((data) => ({ kind: 'literal', span: data.length, data }));
const hashBlocks = fc.record({ kind: fc.constant('hash' as const), span: spans, hashcode: hashcodes }, PLAIN);

/** Any Block that bytes can hold: every span known but that of a superblock, which they do not tell. */
export const blocks: fc.Arbitrary<Block> = fc.letrec<{ block: Block }>((tie) => ({
  block: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    literals,
    hashBlocks,
    fc.record({ kind: fc.constant('run' as const), span: spans, octet: fc.integer({ min: 0, max: 255 }) }, PLAIN),
    fc
      .tuple(spans, hashcodes)
      .map(([span, hashcode]): Block => ({ kind: 'indirect', span, refs: { kind: 'hash', span: UNKNOWN_SPAN, hashcode } })),
    fc
      .tuple(tie('block'), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([base, from, part]): Block => {
        const offset = Math.floor(base.span * from);
        return { kind: 'sub', span: Math.floor((base.span - offset) * part), base, offset };
      }),
  ),
})).block;

const unsigned32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const times = fc.oneof(
  fc.bigInt({ min: -(2n ** 51n) * 1_000_000_000n, max: 2n ** 51n * 1_000_000_000n - 1n }),
  fc.bigInt({ min: -3_000_000_000n, max: 3_000_000_000n }),
);

function sorted<T>(entries: [Octets, T][]): Map<Octets, T> {
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Any metadata; maps sorted as decoders give them. */
export const metas: fc.Arbitrary<Meta> = fc.record(
  {
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: unsigned32,
    gid: unsigned32,
    user: octets(),
    group: octets(),
    mtimeNs: times,
    ctimeNs: times,
    btimeNs: times,
    rdev: fc.record({ major: unsigned32, minor: unsigned32 }, PLAIN),
    xattrs: fc
      .uniqueArray(
        fc.tuple(
          octets({ minLength: 1 }),
          bytes().map((data) => new Uint8Array(data)),
        ),
        {
          minLength: 1,
          maxLength: 4,
          selector: ([name]) => name,
        },
      )
      .map((entries) => sorted(entries)),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** Names that a Dirent may have, but for the empty one. */
export const names: fc.Arbitrary<Octets> = octets({ minLength: 1, maxLength: 40 }).filter((name) => direntNameFault(name) === undefined);

const uuids = fc.uuid();
const unknownFields: fc.Arbitrary<UnknownField[]> = fc
  .uniqueArray(fc.record({ tag: fc.integer({ min: 74, max: 1_000_000 }), value: bytes() }, PLAIN), {
    maxLength: 3,
    selector: ({ tag }) => tag,
  })
  .map((fields) => fields.sort((a, b) => a.tag - b.tag));

/** Any Dirent. */
export const dirents: fc.Arbitrary<Dirent> = fc
  .constantFrom('file', 'dir', 'symlink', 'indirect', 'fifo', 'socket', 'char', 'block')
  .chain((kind) => {
    const common = {
      name: fc.oneof(names, fc.constant('' as Octets)),
      meta: metas,
      uuid: uuids,
      prev: blocks,
      nlink: spans,
      unknown: unknownFields,
    };
    const required: (keyof DirentFields)[] = kind === 'indirect' ? ['uuid'] : kind === 'symlink' ? ['target'] : [];
    return fc
      .record(
        {
          ...common,
          ...(kind === 'file' || kind === 'dir' ? { block: blocks } : {}),
          ...(kind === 'dir' ? { inodes: blocks, links: spans, salt: bytes({ minLength: 8 }) } : {}),
          ...(kind === 'symlink' ? { target: octets({ minLength: 1 }).map((target) => target.replaceAll('\0', 'x') as Octets) } : {}),
        } satisfies { [Key in keyof DirentFields]: fc.Arbitrary<DirentFields[Key]> },
        { requiredKeys: required as never[], noNullPrototype: true },
      )
      .map((fields) => assembleDirent(kind, fields as DirentFields, (what) => new Error(what)));
  });

/** Damages an encoding at one bit. */
export function flipBit(data: Uint8Array, bit: number): Uint8Array {
  const damaged = Uint8Array.from(data);
  damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return damaged;
}
