import type { Parser } from '../parser.ts';
import { mp3Parser } from './mp3.ts';
import { mp4Parser } from './mp4.ts';
import { pdfParser } from './pdf.ts';
import { tarParser } from './tar.ts';
import { textParser } from './text.ts';
import { zipParser } from './zip.ts';

/** Every parser. Of several that know a content by its first octets the first has it, so the strictest come first. */
export const PARSERS: readonly Parser[] = [tarParser, zipParser, pdfParser, mp4Parser, mp3Parser, textParser];
