import type { Parser } from '../parser.ts';
import type { Needle } from './needle-scan.ts';
import type { PartLevel } from './part-edges.ts';
import { NEEDLE_DELAY, partEdges } from './part-edges.ts';

const LF = 0x0a;
const CR = 0x0d;
const FORM_FEED = 0x0c;
const HASH_SIGN = 0x23;

/** Bytes of the head that are examined. */
const SAMPLE_SIZE = 1024;

/** Minimum bytes of a large definition or paragraph. */
const PART_SIZE = 3072;

/**
 * Texts of up to this many bytes are not parsed. For C headers (8,000 files, 109 MB), edges around parts saved nothing, but made 50 % more
 * Blocks and took 50 % more time.
 */
const QUIET_SIZE = 32 * 1024;

/** Makes a needle for a blank line before a line whose first byte satisfies `begins`. */
function blankLine(lineEnd: string, begins: (octet: number) => boolean): Needle {
  const octets = Buffer.from(`\n${lineEnd}`, 'latin1');
  return {
    octets,
    boundary(content, at) {
      const next = at + octets.length;
      const octet = content[next];
      return octet !== undefined && begins(octet) ? next : undefined;
    },
  };
}

/** Whether a line begins a part: it is neither indented nor a closing bracket. */
const isTop = (octet: number): boolean => WITHIN[octet] === 0;

/** Whether a line begins a chapter: a heading of Markdown, or a form feed. */
const isHeading = (octet: number): boolean => octet === HASH_SIGN || octet === FORM_FEED;

/** 1 for first bytes of lines that belong to the part before: white space and closing brackets. A table, because it is used often. */
const WITHIN = Uint8Array.from({ length: 256 }, (_, octet) => (' \t\r\n)]}'.includes(String.fromCharCode(octet)) ? 1 : 0));

const LEVELS: readonly PartLevel[] = [
  { needles: [blankLine('\n', isTop), blankLine('\r\n', isTop)], partSize: PART_SIZE },
  { needles: [blankLine('\n', isHeading)], partSize: PART_SIZE },
];

/**
 * Text and source code in any encoding with ASCII's line feeds. Edges are around large definitions, paragraphs and chapters, so that these
 * are found again if they are moved or copied. Elsewhere the kernel's edges are as good: with 200 edits of 16 MB of sources, edges at the
 * ends of paragraphs saved nothing (9,922 bytes per edit, 9,908 without).
 */
export const textParser: Parser = {
  name: 'text',
  isTextual: true,
  isGeneric: true,
  extensions: [
    ...[
      '.txt',
      '.text',
      '.md',
      '.rst',
      '.adoc',
      '.tex',
      '.bib',
      '.html',
      '.htm',
      '.xml',
      '.svg',
      '.css',
      '.scss',
      '.yaml',
      '.yml',
      '.toml',
    ],
    ...[
      '.ini',
      '.conf',
      '.cfg',
      '.json',
      '.js',
      '.mjs',
      '.cjs',
      '.jsx',
      '.ts',
      '.mts',
      '.tsx',
      '.c',
      '.h',
      '.cc',
      '.cpp',
      '.hpp',
      '.cxx',
      '.m',
    ],
    ...[
      '.rs',
      '.go',
      '.java',
      '.kt',
      '.scala',
      '.cs',
      '.swift',
      '.py',
      '.rb',
      '.pl',
      '.pm',
      '.php',
      '.sh',
      '.bash',
      '.lua',
      '.r',
      '.jl',
      '.hs',
    ],
    ...[
      '.ml',
      '.el',
      '.lisp',
      '.clj',
      '.erl',
      '.ex',
      '.s',
      '.asm',
      '.v',
      '.vhd',
      '.f',
      '.f90',
      '.po',
      '.pot',
      '.diff',
      '.patch',
      '.vcf',
      '.ics',
    ],
  ],
  mimeTypes: [
    'text/plain',
    'text/html',
    'text/xml',
    'text/markdown',
    'application/json',
    'application/xml',
    'application/javascript',
    'text/javascript',
  ],
  delay: PART_SIZE + NEEDLE_DELAY,
  minSize: 32,
  quietSize: QUIET_SIZE,
  begins: isText,
  edges: (mark) => partEdges(LEVELS, mark),
};

/** Whether bytes are text: they have a line feed, and no control characters except white space and escape. */
function isText(head: Uint8Array): boolean {
  let hasLine = false;
  for (const octet of head.subarray(0, SAMPLE_SIZE)) {
    if (octet >= 0x20) {
      if (octet === 0x7f) return false;
    } else if (octet === LF) hasLine = true;
    else if (octet !== 0x09 && octet !== CR && octet !== 0x0c && octet !== 0x1b) return false;
  }
  return hasLine;
}
