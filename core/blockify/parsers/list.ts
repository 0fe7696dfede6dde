import type { Parser } from '../parser.ts';
import { textParser } from './text.ts';

/** Every parser. Of several that know a content by its first octets the first has it, so the strictest come first. */
export const PARSERS: readonly Parser[] = [textParser];
