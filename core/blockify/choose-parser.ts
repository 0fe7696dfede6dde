import type { ContentHint, Parser, ParserHint } from './parser.ts';
import { MAX_HEAD_SIZE } from './parser.ts';
import { PARSERS } from './parsers/list.ts';
import { sniffName } from './sniff-name.ts';

/** The name that chooses no parser. */
export const NO_PARSER = 'none';

/** Bytes of the head that are examined to decide whether it is text. */
const TEXT_SAMPLE_SIZE = 512;

/** Control characters that occur in text: BS, HT, LF, VT, FF, CR, SO and SI of ISO 2022, SUB of CP/M, ESC. */
const TEXT_CONTROLS = [0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x1a, 0x1b];

/** 1 for each byte that does not occur in text. */
const NO_TEXT = Uint8Array.from({ length: 256 }, (_, octet) => (octet < 0x20 && !TEXT_CONTROLS.includes(octet) ? 1 : 0));

const byName = new Map<string, Parser>();
const byExtension = new Map<string, Parser>();
const byMimeType = new Map<string, Parser>();
for (const parser of PARSERS) {
  byName.set(parser.name, parser);
  // If two parsers claim the same, the first in the list gets it.
  for (const extension of parser.extensions) if (!byExtension.has(extension)) byExtension.set(extension, parser);
  for (const mimeType of parser.mimeTypes) if (!byMimeType.has(mimeType)) byMimeType.set(mimeType, parser);
}

/** The names by which a parser may be chosen: those of the table, and NO_PARSER. */
export function parserNames(): string[] {
  return [...byName.keys(), NO_PARSER];
}

/** Whether a name is one of {@link parserNames}. */
export function isParserName(name: string): boolean {
  return name === NO_PARSER || byName.has(name);
}

/**
 * Looks up a parser by name.
 *
 * @returns undefined for {@link NO_PARSER}
 * @throws {RangeError} for an unknown name
 */
export function parserNamed(name: string): Parser | undefined {
  const parser = byName.get(name);
  if (parser === undefined && name !== NO_PARSER) {
    throw new RangeError(`choose parser "${name}": unknown; expected one of ${parserNames().join(', ')}`);
  }
  return parser;
}

/**
 * Finds the parser for a content: by its name, else by its MIME type, else by its first bytes. If name or type only say that it is text,
 * a more specific parser for the first bytes takes precedence. If they name a text format, but the first bytes are binary, they are
 * ignored.
 *
 * @returns undefined if no parser knows the syntax
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
 * Finds the parser for a content by its hint and first bytes. Contents too short for a second Block get none: parsing them costs more than
 * it can save.
 *
 * @param head - at least the first {@link MAX_HEAD_SIZE} bytes, or all
 * @param minSize - minimum bytes of the Store's Blocks
 * @throws {RangeError} for an unknown parser in the hint
 */
export function parserOf(hint: ContentHint, head: Uint8Array, minSize: number): Parser | undefined {
  if (head.length < Math.min(MAX_HEAD_SIZE, 2 * minSize)) return undefined;
  const asked = hint.parser ?? (hint.preferred !== undefined && isParserName(hint.preferred) ? hint.preferred : undefined);
  if (asked !== undefined) return parserNamed(asked);
  return chooseParser({ fileName: hint.fileName, mimeType: hint.mimeType, head: head.subarray(0, MAX_HEAD_SIZE) });
}

/**
 * Determines the MIME type of a content.
 *
 * @returns undefined if no parser knows the syntax
 */
export function foundMimeType(hint: ParserHint): string | undefined {
  const parser = chooseParser({ ...hint, head: hint.head.subarray(0, MAX_HEAD_SIZE) });
  return parser?.foundType ?? parser?.mimeTypes[0];
}

/** Whether the first bytes are binary: NULs or other controls that occur in no encoding with ASCII's line feeds. */
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
      // A parser that throws does not know the content.
    }
  }
  return undefined;
}

/** `Text/Plain; charset=utf-8` is `text/plain`. */
function essence(mimeType: string): string {
  return (mimeType.split(';', 1)[0] ?? '').trim().toLowerCase();
}
