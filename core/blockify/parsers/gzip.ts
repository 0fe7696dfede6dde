import type { Parser } from '../parser.ts';
import type { Needle } from './needle-scan.ts';
import { NEEDLE_DELAY, needle, partEdges } from './part-edges.ts';

/** Minimum bytes of a large member, or of a large part between flush points. */
const PART_SIZE = 1024;

/** The reserved bits of the flags, and the valid extra flags and systems: RFC 1952, 2.3.1. */
const RESERVED_FLAGS = 0xe0;
const EXTRA_FLAGS = [0, 2, 4];
const MAX_SYSTEM = 13;
const UNKNOWN_SYSTEM = 255;

/** The header of a member. If compressed data contain such bytes by chance, they become an edge, which does no harm. */
const MEMBER: Needle = {
  octets: Buffer.from([0x1f, 0x8b, 0x08]),
  boundary(octets, at) {
    const system = octets[at + 9];
    if (((octets[at + 3] ?? 0xff) & RESERVED_FLAGS) !== 0 || !EXTRA_FLAGS.includes(octets[at + 8] ?? 1) || system === undefined)
      return undefined;
    return system <= MAX_SYSTEM || system === UNKNOWN_SYSTEM ? at : undefined;
  },
};

/** An empty stored block, which a flush writes, also with `--rsyncable`: RFC 1951, 3.2.4. */
const FLUSH = needle('\x00\x00\xff\xff', 4);

/**
 * gzip(1), in one member or several. Edges are around members, and at flush points. Data between flush points were compressed by
 * themselves,
 * so they are found again if something before them changes.
 */
export const gzipParser: Parser = {
  name: 'gzip',
  extensions: ['.gz', '.tgz', '.svgz', '.dz', '.bgz'],
  mimeTypes: ['application/gzip', 'application/x-gzip'],
  delay: PART_SIZE + NEEDLE_DELAY,
  minSize: 32,
  begins: (head) => head.length >= 18 && head[0] === 0x1f && head[1] === 0x8b && head[2] === 0x08,
  edges: (mark) => partEdges([{ needles: [MEMBER, FLUSH], partSize: PART_SIZE }], mark),
};
