import type { Parser } from '../parser.ts';
import { direntsParser } from './dirents.ts';
import { gzipParser } from './gzip.ts';
import { linesParser } from './lines.ts';
import { mailParser } from './mail.ts';
import { mboxParser } from './mbox.ts';
import { mp3Parser } from './mp3.ts';
import { mp4Parser } from './mp4.ts';
import { pdfParser } from './pdf.ts';
import { sqlParser } from './sql.ts';
import { tarParser } from './tar.ts';
import { textParser } from './text.ts';
import { vtdParser } from './vtd.ts';
import { zipParser } from './zip.ts';

/** All parsers. If several recognise a content by its first bytes, the first is used, so the strictest come first. */
export const PARSERS: readonly Parser[] = [
  vtdParser,
  tarParser,
  zipParser,
  gzipParser,
  pdfParser,
  mp4Parser,
  mp3Parser,
  direntsParser,
  mboxParser,
  mailParser,
  sqlParser,
  linesParser,
  textParser,
];
