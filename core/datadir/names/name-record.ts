import { crc32 } from '../../base/crc32.ts';
import type { Block, IndirectBlock } from '../../block/block.ts';
import { UNKNOWN_SPAN } from '../../block/block.ts';
import type { HashName } from '../../block/hash.ts';
import { hashByName } from '../../block/hash.ts';
import type { NamedKind } from '../../store/capabilities.ts';

// A record of a map of names: what one reference is under two hash functions. @see vt(5), "Maps of names"

/** Bytes of a record. */
export const NAME_RECORD_SIZE = 84;

const KINDS: readonly NamedKind[] = ['bytes', 'dir', 'state'];

/** The two sides of a map: that of the hash function with the lower number, and the other. */
export type Side = 0 | 1;

/** References to the same under both hash functions. */
export interface NamePair {
  readonly kind: NamedKind;
  readonly refs: readonly [Block, Block];
}

/** How a reference is kept in 32 bytes and its span. */
const FORM = { hash: 0, indirect: 1, literal: 2, run: 3, indirectLiteral: 4 } as const;
const SIDE_SIZE = 32;
const KIND_AT = 64;
const FORM_AT = 65;
const LITERAL_SIZE_AT = 67;
const SPAN_AT = 68;
const SPAN_SIZE = 6;
const CHECK_AT = 80;
/** Spans are kept in 6 bytes. */
const MAX_SPAN = 2 ** 48 - 1;

/**
 * The digest by which a reference can be looked up, and its form. Undefined for one that holds no digest: what it refers to is in it.
 */
export function keyOf(ref: Block): { readonly digest: Uint8Array; readonly form: number } | undefined {
  if (ref.kind === 'hash') return { digest: ref.hashcode.digest, form: FORM.hash };
  return ref.kind === 'indirect' && ref.refs.kind === 'hash' ? { digest: ref.refs.hashcode.digest, form: FORM.indirect } : undefined;
}

/** Whether a pair can be kept in a record: one side at least can be looked up, and both fit. */
export function fitsRecord({ refs }: NamePair): boolean {
  return refs.some((ref) => keyOf(ref) !== undefined) && refs.every((ref) => formOf(ref) !== undefined && ref.span <= MAX_SPAN);
}

function formOf(ref: Block): number | undefined {
  switch (ref.kind) {
    case 'hash':
      return FORM.hash;
    case 'run':
      return FORM.run;
    case 'literal':
      return ref.data.length <= SIDE_SIZE ? FORM.literal : undefined;
    case 'indirect':
      if (ref.refs.kind === 'hash') return FORM.indirect;
      return ref.refs.kind === 'literal' && ref.refs.data.length <= SIDE_SIZE ? FORM.indirectLiteral : undefined;
    case 'sub':
      return undefined;
  }
}

/** A pair in a new record. @throws {RangeError} where {@link fitsRecord} is false */
export function encodeNameRecord(pair: NamePair): Buffer {
  if (!fitsRecord(pair)) throw new RangeError('encode names: these references do not fit');
  const out = Buffer.alloc(NAME_RECORD_SIZE);
  out[KIND_AT] = KINDS.indexOf(pair.kind);
  for (const side of [0, 1] as const) {
    const ref = pair.refs[side];
    out[FORM_AT + side] = formOf(ref) ?? 0;
    out.writeUIntLE(Math.max(0, ref.span), SPAN_AT + side * SPAN_SIZE, SPAN_SIZE);
    const octets = octetsOf(ref, out);
    out.set(octets, side * SIDE_SIZE);
  }
  out.writeUInt32LE(crc32(out.subarray(0, CHECK_AT)), CHECK_AT);
  return out;
}

/** A digest that is somewhere in other bytes. */
export interface PlacedDigest {
  readonly octets: Uint8Array;
  readonly at: number;
  readonly size: number;
}

/** Writes the record of a Block of content, as {@link encodeNameRecord} makes it, without an object for it. @param at - where it begins */
export function writeLeafRecord(out: Buffer, at: number, span: number, near: PlacedDigest, far: PlacedDigest): void {
  out.fill(0, at, at + NAME_RECORD_SIZE);
  for (let i = 0; i < near.size; i++) out[at + i] = near.octets[near.at + i] as number;
  for (let i = 0; i < far.size; i++) out[at + SIDE_SIZE + i] = far.octets[far.at + i] as number;
  out.writeUIntLE(span, at + SPAN_AT, SPAN_SIZE);
  out.writeUIntLE(span, at + SPAN_AT + SPAN_SIZE, SPAN_SIZE);
  out.writeUInt32LE(crc32(out.subarray(at, at + CHECK_AT)), at + CHECK_AT);
}

function octetsOf(ref: Block, out: Buffer): Uint8Array {
  const key = keyOf(ref);
  if (key !== undefined) return key.digest;
  const inner = ref.kind === 'indirect' ? ref.refs : ref;
  if (inner.kind === 'run') return Uint8Array.of(inner.octet);
  if (inner.kind !== 'literal') throw new RangeError('encode names: these references do not fit');
  out[LITERAL_SIZE_AT] = inner.data.length;
  return inner.data;
}

/** The pair of a record; undefined where its check does not hold. */
export function decodeNameRecord(record: Buffer, hashes: readonly [HashName, HashName]): NamePair | undefined {
  if (record.readUInt32LE(CHECK_AT) !== crc32(record.subarray(0, CHECK_AT))) return undefined;
  const kind = KINDS[record[KIND_AT] as number];
  const [near, far] = [refOf(record, 0, hashes[0]), refOf(record, 1, hashes[1])];
  return kind === undefined || near === undefined || far === undefined ? undefined : { kind, refs: [near, far] };
}

function refOf(record: Buffer, side: Side, hashName: HashName): Block | undefined {
  const at = side * SIDE_SIZE;
  const span = record.readUIntLE(SPAN_AT + side * SPAN_SIZE, SPAN_SIZE);
  const literal = (): Uint8Array => Uint8Array.from(record.subarray(at, at + (record[LITERAL_SIZE_AT] as number)));
  const digest = (): Uint8Array => Uint8Array.from(record.subarray(at, at + hashByName(hashName).digestSize));
  switch (record[FORM_AT + side]) {
    case FORM.hash:
      return { kind: 'hash', span, hashcode: { hashName, digest: digest() } };
    case FORM.indirect: {
      const refs: IndirectBlock['refs'] = { kind: 'hash', span: UNKNOWN_SPAN, hashcode: { hashName, digest: digest() } };
      return { kind: 'indirect', span, refs };
    }
    case FORM.literal:
      return { kind: 'literal', span, data: literal() };
    case FORM.run:
      return { kind: 'run', span, octet: record[at] as number };
    case FORM.indirectLiteral: {
      const data = literal();
      return { kind: 'indirect', span, refs: { kind: 'literal', span: data.length, data } };
    }
    default:
      return undefined;
  }
}

/** Where in a record the digest of a side begins. */
export function digestAt(side: Side): number {
  return side * SIDE_SIZE;
}

/** The digest of one side, where the record has one. It may be looked at before the check. */
export function digestIn(record: Buffer, side: Side): Buffer {
  return record.subarray(side * SIDE_SIZE, (side + 1) * SIDE_SIZE);
}

/** Whether a record has a digest on a side, of this kind and form. */
export function isNamed(record: Buffer, side: Side, kind: NamedKind, form: number): boolean {
  return record[KIND_AT] === KINDS.indexOf(kind) && record[FORM_AT + side] === form;
}

/** Whether a record that is somewhere in others is about a Block of content under both functions; its check is not looked at. */
export function isLeafRecord(records: Buffer, at: number): boolean {
  // Kind and forms of such a record are 0.
  return records[at + KIND_AT] === 0 && records[at + FORM_AT] === FORM.hash && records[at + FORM_AT + 1] === FORM.hash;
}

/** Whether a record with a valid checksum has the references of a Block of content under both functions. */
export function isLeafPair(record: Buffer): boolean {
  return isLeafRecord(record, 0) && record.readUInt32LE(CHECK_AT) === crc32(record.subarray(0, CHECK_AT));
}

/** The sides of a map of two hash functions. */
export function sidesOf(one: HashName, other: HashName): readonly [HashName, HashName] {
  return hashByName(one).enumeration < hashByName(other).enumeration ? [one, other] : [other, one];
}
