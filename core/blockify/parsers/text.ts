import type { Parser } from '../parser.ts';

const LF = 0x0a;
const CR = 0x0d;

/** Octets of the head that are looked at. */
const SAMPLE_SIZE = 1024;

/**
 * Text and source code, in any encoding that has ASCII's line feeds. Blocks end where the kernel says, at the end of
 * the paragraph or definition there, else of the line: at the octet after a blank line, or before a line that is not indented and
 * comes after one that is.
 */
export const textParser: Parser = {
  name: 'text',
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
  delay: 0,
  begins: isText,
  settle(octets, from, end) {
    let lineEnd: number | undefined;
    for (let at = octets.indexOf(LF, from - 1); at >= 0 && at < end; at = octets.indexOf(LF, at + 1)) {
      const next = at + 1;
      lineEnd ??= next;
      if (isBlankLine(octets, at)) return next;
    }
    return lineEnd;
  },
};

/** Whether the line that ends at `at` is empty: there is nothing but a CR between it and the line feed before. */
function isBlankLine(octets: Uint8Array, at: number): boolean {
  const before = octets[at - 1];
  return before === LF || (before === CR && octets[at - 2] === LF);
}

/** Whether octets are text: no control characters but white space and escapes, and a line feed among them. */
export function isText(head: Uint8Array): boolean {
  const sample = head.subarray(0, SAMPLE_SIZE);
  let hasLine = false;
  for (const octet of sample) {
    if (octet >= 0x20) {
      if (octet === 0x7f) return false;
    } else if (octet === LF) hasLine = true;
    else if (octet !== 0x09 && octet !== CR && octet !== 0x0c && octet !== 0x1b) return false;
  }
  return hasLine;
}
