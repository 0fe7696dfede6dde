import type { Parser } from '../parser.ts';
import { NEEDLE_DELAY, needle, partEdges } from './part-edges.ts';

/** Minimum bytes of a large section or statement. */
const PART_SIZE = 3072;

/** The starts of dumps of SQLite, MySQL, MariaDB and PostgreSQL. */
const BEGINNINGS = [
  /^PRAGMA foreign_keys=/,
  /^-- (?:MySQL|MariaDB) dump /,
  /^\/\*M?!\d{6}.*\*\/;\s*-- MariaDB dump /,
  /^(?:--\r?\n)?-- PostgreSQL database dump/,
];

/**
 * SQL dumps. Edges are at the starts of tables' sections, around the rows of a COPY, and around large statements. So the tables of a dump
 * are found again in another order, and among other tables.
 */
export const sqlParser: Parser = {
  name: 'sql',
  isTextual: true,
  extensions: ['.sql', '.dump', '.pgsql', '.mysql'],
  mimeTypes: ['application/sql', 'application/x-sql', 'text/x-sql'],
  delay: PART_SIZE + NEEDLE_DELAY,
  minSize: 32,
  begins: isDump,
  edges: (mark) =>
    partEdges(
      [
        {
          needles: [
            needle('\n--\n-- ', 1),
            needle('\nCREATE TABLE ', 1),
            needle('FROM stdin;\n', 12),
            needle('\n\\.\n', 1),
            needle('\nCOMMIT;', 1),
          ],
          partSize: PART_SIZE,
        },
        { needles: [needle(';\n', 2), needle(';\r\n', 3)], partSize: PART_SIZE },
      ],
      mark,
    ),
};

function isDump(head: Uint8Array): boolean {
  const first = head[0];
  if (first !== 0x2d && first !== 0x50 && first !== 0x2f) return false;
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 256)).toString('latin1');
  return BEGINNINGS.some((beginning) => beginning.test(text));
}
