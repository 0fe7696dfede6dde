import type { ContentHint, Parser, ParserHint } from './parser.ts';
import { MAX_HEAD_SIZE } from './parser.ts';
import { PARSERS } from './parsers/list.ts';
import { sniffName } from './sniff-name.ts';

/** The choice of no parser at all, where a parser's name is asked for. */
export const NO_PARSER = 'none';

/** Bytes of a head that are looked at to see whether it is text. */
const TEXT_SAMPLE_SIZE = 512;

/** Controls in text: BS, HT, LF, VT, FF, CR, SO and SI of ISO 2022, SUB of CP/M, ESC. */
const TEXT_CONTROLS = [0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x1a, 0x1b];

/** 1 for each byte that no text has. */
const NO_TEXT = Uint8Array.from({ length: 256 }, (_, octet) => (octet < 0x20 && !TEXT_CONTROLS.includes(octet) ? 1 : 0));

const byName = new Map<string, Parser>();
const byExtension = new Map<string, Parser>();
const byMimeType = new Map<string, Parser>();
for (const parser of PARSERS) {
  byName.set(parser.name, parser);
  // Of two that claim the same the first in the list has it.
  for (const extension of parser.extensions) if (!byExtension.has(extension)) byExtension.set(extension, parser);
  for (const mimeType of parser.mimeTypes) if (!byMimeType.has(mimeType)) byMimeType.set(mimeType, parser);
}

/** What a parser may be asked for by: the names of the table, and NO_PARSER. */
export function parserNames(): string[] {
  return [...byName.keys(), NO_PARSER];
}

/** Whether a parser may be asked for by this name. */
export function isParserName(name: string): boolean {
  return name === NO_PARSER || byName.has(name);
}

/**
 * The parser of a name in the table.
 *
 * @returns undefined for {@link NO_PARSER}
 * @throws {RangeError} for a name that is not there
 */
export function parserNamed(name: string): Parser | undefined {
  const parser = byName.get(name);
  if (parser === undefined && name !== NO_PARSER) {
    throw new RangeError(`choose parser "${name}": unknown; expected one of ${parserNames().join(', ')}`);
  }
  return parser;
}

/**
 * Finds the parser for a content: by its name, else by its MIME type, else by its first bytes. A name or type that says no
 * more than that it is text gives way to bytes that say what text. One that says text of any sort counts for nothing where
 * the first bytes are such as no text has.
 *
 * @returns undefined for a content of no syntax known here
 */
export function chooseParser({ head, fileName, mimeType }: ParserHint): Parser | undefined {
  const extension = fileName === undefined ? undefined : sniffName(fileName);
  const named = extension === undefined ? undefined : byExtension.get(extension);
  const isBinary = hasBinary(head);
  const fits = (parser: Parser | undefined): parser is Parser => parser !== undefined && !(isBinary && parser.isTextual === true);
  if (fits(named) && named.isGeneric !== true) return named;
  const typed = mimeType === undefined ? undefined : byMimeType.get(essence(mimeType));
  if (fits(typed) && typed.isGeneric !== true) return typed;
  return begun(head) ?? [named, typed].find(fits);
}

/**
 * The parser for a content by what is known of it before its bytes are, and by these. Contents too short to be worth
 * a second Block have none: reading their syntax costs more than it can save.
 *
 * @param head - at least the first {@link MAX_HEAD_SIZE} bytes, or all
 * @param minSize - least bytes of the Store's Blocks
 */
export function parserOf(hint: ContentHint, head: Uint8Array, minSize: number): Parser | undefined {
  if (head.length < Math.min(MAX_HEAD_SIZE, 2 * minSize)) return undefined;
  const asked = hint.parser ?? (hint.preferred !== undefined && isParserName(hint.preferred) ? hint.preferred : undefined);
  if (asked !== undefined) return parserNamed(asked);
  return chooseParser({ fileName: hint.fileName, mimeType: hint.mimeType, head: head.subarray(0, MAX_HEAD_SIZE) });
}

/**
 * Finds the MIME type of a content that has none recorded.
 *
 * @returns undefined for a content of no syntax known here
 */
export function foundMimeType(hint: ParserHint): string | undefined {
  const parser = chooseParser({ ...hint, head: hint.head.subarray(0, MAX_HEAD_SIZE) });
  return parser?.foundType ?? parser?.mimeTypes[0];
}

/** Whether the first bytes are no text in any encoding that has ASCII's line feeds: NULs and other controls that nobody writes. */
function hasBinary(head: Uint8Array): boolean {
  for (let i = 0; i < head.length && i < TEXT_SAMPLE_SIZE; i++) {
    if (NO_TEXT[head[i] as number] === 1) return true;
  }
  return false;
}

function begun(head: Uint8Array): Parser | undefined {
  for (const parser of PARSERS) {
    try {
      if (parser.begins?.(head) === true) return parser;
    } catch {
      // Then it is not its syntax.
    }
  }
  return undefined;
}

/** `Text/Plain; charset=utf-8` is `text/plain`. */
function essence(mimeType: string): string {
  return (mimeType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
