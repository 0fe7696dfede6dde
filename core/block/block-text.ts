import { TextReader } from '../base/text-reader.ts';
import { formatObject, hexOctet } from '../base/text-writer.ts';
import type { Block, HashBlock, IndirectBlock, LiteralBlock, RunBlock, SubBlock } from './block.ts';
import { UNKNOWN_SPAN } from './block.ts';
import { MAX_SUB_DEPTH } from './blockref.ts';
import type { HashCode } from './hashcode.ts';
import { formatHashcode, readHashcode } from './hashcode-text.ts';
import { formatTexthex, readTexthex } from './literal-text.ts';

// Block references as text, in the Python vt's grammar. @see vt(5), "Text"

/** Formats a block reference as one line of printable ASCII. An unknown span is omitted. */
export function formatBlock(block: Block): string {
  switch (block.kind) {
    case 'hash':
      return formatObject('B', [
        ['hash', formatHashcode(block.hashcode)],
        ['span', block.span === UNKNOWN_SPAN ? undefined : `${block.span}`],
      ]);
    case 'indirect':
      return `I{${block.span === UNKNOWN_SPAN ? '' : `${block.span}:`}${formatBlock(block.refs)}}`;
    case 'literal':
      return `LB{${formatTexthex(block.data)}}`;
    case 'run':
      return `RLE{span:${block.span},octet:${hexOctet(block.octet)}}`;
    case 'sub':
      return `SubB{block:${formatBlock(block.base)},offset:${block.offset},span:${block.span}}`;
  }
}

/**
 * Parses the text of a block reference.
 *
 * @returns the reference; the span of a hashed or indirect reference is UNKNOWN_SPAN if the text has none
 * @throws {ParseError} for any other text, and if text follows the reference
 */
export function parseBlock(text: string): Block {
  const reader = new TextReader(text);
  const block = readBlock(reader);
  reader.end();
  return block;
}

/** Whether a block reference seems to start at the reader's position. */
export function atBlock(reader: TextReader): boolean {
  return ['B{', 'I{', 'LB{', 'RLE{', 'SubB{'].some((prefix) => reader.startsWith(prefix));
}

/** Reads the text of a block reference at the reader's position. @throws {ParseError} if there is none */
export function readBlock(reader: TextReader): Block {
  return readAt(reader, 0);
}

function readAt(reader: TextReader, depth: number): Block {
  if (depth > MAX_SUB_DEPTH) throw reader.error(`more than ${MAX_SUB_DEPTH} Blocks within each other`);
  if (reader.accept('B{')) return readHashBlock(reader);
  if (reader.accept('I{')) return readIndirect(reader, depth);
  if (reader.accept('LB{')) return readLiteral(reader);
  if (reader.accept('RLE{')) return readRun(reader);
  if (reader.accept('SubB{')) return readSub(reader, depth);
  throw reader.error(`expected a block reference, found ${reader.here()}`);
}

function readHashBlock(reader: TextReader): HashBlock {
  const start = reader.offset;
  let hashcode: HashCode | undefined;
  let span = UNKNOWN_SPAN;
  reader.items((ident) => {
    if (ident === 'hash') hashcode = readHashcode(reader);
    else if (ident === 'span') span = reader.unsigned('a span');
    else return false;
    return true;
  });
  if (hashcode === undefined) throw reader.error('a Block without its hash', start);
  return { kind: 'hash', span, hashcode };
}

function readIndirect(reader: TextReader, depth: number): IndirectBlock {
  let span = UNKNOWN_SPAN;
  if (!atBlock(reader)) {
    span = reader.unsigned('a span');
    reader.expect(':');
  }
  const start = reader.offset;
  const refs = readAt(reader, depth + 1);
  reader.expect('}');
  if (refs.kind !== 'hash' && refs.kind !== 'literal') {
    throw reader.error('a superblock is a hashed Block or a literal', start);
  }
  return { kind: 'indirect', span, refs };
}

function readLiteral(reader: TextReader): LiteralBlock {
  const data = readTexthex(reader);
  reader.expect('}');
  return { kind: 'literal', span: data.length, data };
}

function readRun(reader: TextReader): RunBlock {
  const start = reader.offset;
  let span: number | undefined;
  let octet: number | undefined;
  reader.items((ident) => {
    if (ident === 'span') span = reader.unsigned('a span');
    else if (ident === 'octet') octet = Number.parseInt(reader.require(/[\da-fA-F]{2}/y, 'a byte in hex'), 16);
    else return false;
    return true;
  });
  if (span === undefined || octet === undefined) throw reader.error('a run needs span and octet', start);
  return { kind: 'run', span, octet };
}

function readSub(reader: TextReader, depth: number): SubBlock {
  const start = reader.offset;
  let base: Block | undefined;
  let offset: number | undefined;
  let span: number | undefined;
  reader.items((ident) => {
    if (ident === 'block') base = readAt(reader, depth + 1);
    else if (ident === 'offset') offset = reader.unsigned('an offset');
    else if (ident === 'span') span = reader.unsigned('a span');
    else return false;
    return true;
  });
  if (base === undefined || offset === undefined || span === undefined) {
    throw reader.error('a sub-Block needs block, offset and span', start);
  }
  if (base.span !== UNKNOWN_SPAN && offset + span > base.span) {
    throw reader.error(`a sub-Block of ${offset}+${span} exceeds its base of ${base.span}`, start);
  }
  return { kind: 'sub', span, base, offset };
}
