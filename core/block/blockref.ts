import type { Decoded } from '../base/bsuint.ts';
import { bsuintSize, decodeBsdata, decodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { ParseError } from '../base/errors.ts';
import type { Block, IndirectBlock } from './block.ts';
import { UNKNOWN_SPAN } from './block.ts';
import { decodeHashcode, writeHashcode } from './hashcode.ts';

// Block references in bytes, in the Python vt's layout. @see vt(5), "Block references"

const FLAG_INDIRECT = 0x01;
const FLAG_TYPED = 0x02;
const FLAG_TYPE_FLAGS = 0x04;

const TYPE_HASHCODE = 0;
const TYPE_RUN = 1;
const TYPE_LITERAL = 2;
const TYPE_SUB = 3;

/** Maximum nesting of sub-Blocks. No program writes more, and each level takes a stack frame. */
export const MAX_SUB_DEPTH = 32;

/** Writes a block reference with a length prefix. @throws {RangeError} if its span, or that of the base of a sub-Block, is unknown */
export function writeBlockref(writer: ByteWriter, block: Block): void {
  const start = writer.length;
  writeBlockrefBody(writer, block);
  writer.prefixLength(start);
}

/**
 * Writes the reference of a hashed Block from its fields, with a length prefix. @param at - offset of the digest in `digests`; `end` is its
 * end
 */
export function writeHashedRef(writer: ByteWriter, span: number, enumeration: number, digests: Uint8Array, at: number, end: number): void {
  writer.bsuint(1 + bsuintSize(span) + bsuintSize(enumeration) + end - at);
  writer.octet(0);
  writer.bsuint(span);
  writer.bsuint(enumeration);
  writer.part(digests, at, end);
}

/** Encodes a block reference with a length prefix. @throws {RangeError} as {@link writeBlockref} */
export function encodeBlockref(block: Block): Buffer {
  const writer = new ByteWriter(64);
  writeBlockref(writer, block);
  return writer.take();
}

/** Encodes a block reference without a length prefix. @throws {RangeError} as {@link writeBlockref} */
export function blockrefBody(block: Block): Uint8Array {
  const writer = new ByteWriter(64);
  writeBlockrefBody(writer, block);
  return writer.take();
}

/**
 * Writes a block reference without a length prefix, as in a field of a Dirent, which has its own length.
 *
 * @throws {RangeError} if its span, or that of the base of a sub-Block, is unknown
 */
export function writeBlockrefBody(writer: ByteWriter, block: Block): void {
  const inner = block.kind === 'indirect' ? block.refs : block;
  const type = typeOf(inner);
  if (block.span === UNKNOWN_SPAN) throw new RangeError('encode block reference: its span is unknown');
  writer.octet((block.kind === 'indirect' ? FLAG_INDIRECT : 0) | (type === TYPE_HASHCODE ? 0 : FLAG_TYPED));
  writer.bsuint(block.span);
  if (type !== TYPE_HASHCODE) writer.octet(type);
  switch (inner.kind) {
    case 'hash':
      writeHashcode(writer, inner.hashcode);
      break;
    case 'run':
      writer.octet(inner.octet);
      break;
    case 'literal':
      writer.bytes(inner.data);
      break;
    case 'sub':
      writer.bsuint(inner.offset);
      writeBlockref(writer, inner.base);
      break;
  }
}

function typeOf(block: Exclude<Block, IndirectBlock>): number {
  switch (block.kind) {
    case 'hash':
      return TYPE_HASHCODE;
    case 'run':
      return TYPE_RUN;
    case 'literal':
      return TYPE_LITERAL;
    case 'sub':
      return TYPE_SUB;
  }
}

/**
 * Decodes a block reference with a length prefix. Hashcodes and literals are copied.
 *
 * @throws {ParseError} if it is truncated, has an unknown kind, or has extra bytes within its length
 */
export function decodeBlockref(data: Uint8Array, offset: number): Decoded<Block> {
  return decodeAt(data, offset, 0);
}

function decodeAt(data: Uint8Array, offset: number, depth: number): Decoded<Block> {
  const { value: body, next } = decodeBsdata(data, offset);
  return { value: decodeBody(body, next - body.length, depth), next };
}

/**
 * Decodes a block reference without a length prefix.
 *
 * @param body - exactly the reference
 * @param at - offset of `body` in the whole, for the offsets of errors
 * @throws {ParseError} as {@link decodeBlockref}
 */
export function decodeBlockrefBody(body: Uint8Array, at = 0): Block {
  return decodeBody(body, at, 0);
}

function decodeBody(body: Uint8Array, at: number, depth: number): Block {
  try {
    return decodeFields(body, depth);
  } catch (error) {
    if (error instanceof ParseError && at > 0) {
      throw new ParseError(error.message.replace(/, at offset \d+$/, ''), at + error.offset, { cause: error });
    }
    throw error;
  }
}

function decodeFields(body: Uint8Array, depth: number): Block {
  const { value: flags, next: spanAt } = decodeBsuint(body, 0);
  if ((flags & ~(FLAG_INDIRECT | FLAG_TYPED | FLAG_TYPE_FLAGS)) !== 0 || flags > 7) {
    throw new ParseError(`decode block reference: unknown flags ${flags}`, 0);
  }
  const { value: span, next: typeAt } = decodeBsuint(body, spanAt);
  const { value: type, next: typeFlagsAt } =
    (flags & FLAG_TYPED) === 0 ? { value: TYPE_HASHCODE, next: typeAt } : decodeBsuint(body, typeAt);
  const { value: typeFlags, next: bodyAt } =
    (flags & FLAG_TYPE_FLAGS) === 0 ? { value: 0, next: typeFlagsAt } : decodeBsuint(body, typeFlagsAt);
  if (typeFlags !== 0) throw new ParseError(`decode block reference: unknown type flags ${typeFlags}`, typeFlagsAt);
  const indirect = (flags & FLAG_INDIRECT) !== 0;
  // The size of a superblock is not recorded. Only for a literal is it known, from the reference.
  const innerSpan = indirect ? UNKNOWN_SPAN : span;
  const { value: inner, next: end } = decodeInner(body, bodyAt, type, innerSpan, depth);
  if (end !== body.length) throw new ParseError(`decode block reference: ${body.length - end} bytes too many`, end);
  return indirect ? { kind: 'indirect', span, refs: inner } : inner;
}

function decodeInner(body: Uint8Array, offset: number, type: number, span: number, depth: number): Decoded<Exclude<Block, IndirectBlock>> {
  switch (type) {
    case TYPE_HASHCODE: {
      const { value: hashcode, next } = decodeHashcode(body, offset);
      return { value: { kind: 'hash', span, hashcode }, next };
    }
    case TYPE_LITERAL: {
      const data = new Uint8Array(body.subarray(offset));
      if (span !== UNKNOWN_SPAN && data.length !== span) {
        throw new ParseError(`decode block reference: literal of span ${span} has ${data.length} bytes`, offset);
      }
      return { value: { kind: 'literal', span: data.length, data }, next: body.length };
    }
    case TYPE_RUN: {
      const octet = body[offset];
      if (octet === undefined) throw new ParseError('decode block reference: run without its byte', offset);
      if (span === UNKNOWN_SPAN) throw new ParseError('decode block reference: a run cannot be a superblock', offset);
      return { value: { kind: 'run', span, octet }, next: offset + 1 };
    }
    case TYPE_SUB: {
      if (depth >= MAX_SUB_DEPTH) throw new ParseError(`decode block reference: more than ${MAX_SUB_DEPTH} sub-Blocks deep`, offset);
      if (span === UNKNOWN_SPAN) throw new ParseError('decode block reference: a sub-Block cannot be a superblock', offset);
      const { value: start, next: baseAt } = decodeBsuint(body, offset);
      const { value: base, next } = decodeAt(body, baseAt, depth + 1);
      if (start + span > base.span) {
        throw new ParseError(`decode block reference: sub-Block ${start}+${span} exceeds its base of ${base.span}`, offset);
      }
      return { value: { kind: 'sub', span, base, offset: start }, next };
    }
    default:
      throw new ParseError(`decode block reference: unknown type ${type}`, offset);
  }
}
