import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { decodeBsdata, decodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { ParseError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes } from '../base/octets.ts';
import type { FileSignature } from '../base/system/file-signature.ts';
import { packSignature, SIGNATURE_LENGTH } from '../base/system/file-signature.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import type { Block } from '../block/block.ts';
import { blockrefBody, decodeBlockrefBody } from '../block/blockref.ts';
import type { LocalCache } from '../store/capabilities.ts';

// The import cache, which keeps PUT from reading unchanged files again. It has one value per local directory, with the signature and the
// encoded Dirent of each entry, sorted by name. It is stored beside the Store. Its format may change: another version finds nothing.

/** The start of keys. Any change of the format needs a new one. */
const KEY_MARK = 'put3';

/** First byte of a value. PLAIN: the value itself follows. DEFLATED: a whole plain value follows, deflated. */
const PLAIN = 0;
const DEFLATED = 1;

/**
 * Values of this many bytes are deflated, to less than half: a million files take 60 MB instead of 130. For shorter ones the gain is not
 * worth the time. Longer ones would block the thread.
 */
const DEFLATED_SIZES = { least: 4096, most: 4 * 1024 * 1024 };

/** Level 1 gives the same size as level 3, within 2 %. A small window needs less memory to clear for each value. */
const DEFLATE_OPTIONS = { level: 1, windowBits: 13, memLevel: 6 };

/**
 * A signature is trusted only if the ctime was at least this much before the file was read. The clock of kernels for timestamps ticks
 * every 1 to 10 ms, so a later write within the same tick would not change ctime.
 */
export const TRUST_AGE_NS = 20_000_000n;

const FLAG_TRUSTED = 1;
const FLAG_HARD = 2;

const SIGNATURE_SIZE = SIGNATURE_LENGTH * 8;

/** The names of owners at the time of the import, by number. */
export interface OwnerPairs {
  readonly users: ReadonlyMap<number, Octets | undefined>;
  readonly groups: ReadonlyMap<number, Octets | undefined>;
}

/** One entry of a cached directory. Bytes are views of the value. */
export interface CachedEntry {
  readonly name: Octets;
  /** The offsets of this entry and of the next one in the value. */
  readonly start: number;
  readonly end: number;
  /** SIGNATURE_SIZE bytes; undefined if it cannot be trusted. */
  readonly signature: Uint8Array | undefined;
  /** The encoded Dirent with its length prefix, as in a Dir. */
  readonly record: Uint8Array;
  /** For a hard link, the encoded Dirent of the node, named by its uuid; empty if this was not the first name. */
  readonly node: Uint8Array | undefined;
}

/**
 * The cache key of a directory.
 *
 * @param profile - the options of the import that affect Dirents, 0..255
 * @param parser - the requested parser, which affects the Blocks
 */
export function cacheKey(directory: { readonly dev: bigint; readonly ino: bigint }, profile: number, parser = ''): Uint8Array {
  const key = Buffer.alloc(KEY_MARK.length + 17 + parser.length);
  key.write(parser, KEY_MARK.length + 17, 'latin1');
  key.write(KEY_MARK, 'latin1');
  key.writeUInt8(profile, KEY_MARK.length);
  key.writeBigUInt64LE(BigInt.asUintN(64, directory.dev), KEY_MARK.length + 1);
  key.writeBigUInt64LE(BigInt.asUintN(64, directory.ino), KEY_MARK.length + 9);
  return key;
}

/** A cached directory. Its entries are decoded one after the other, in the order of names. */
export class CachedDir {
  /** The Block of the Dir, valid if no entry has changed. */
  readonly block: Block;
  /** Names of hard links in it and below. */
  readonly links: number;
  readonly owners: OwnerPairs;
  readonly value: Uint8Array;
  /** The offset of the first entry in `value`. */
  readonly start: number;

  private constructor(value: Uint8Array) {
    const { value: blockBody, next: linksAt } = decodeBsdata(value, 1);
    this.block = decodeBlockrefBody(blockBody);
    const { value: links, next: usersAt } = decodeBsuint(value, linksAt);
    this.links = links;
    const users = decodeOwners(value, usersAt);
    const groups = decodeOwners(value, users.next);
    this.owners = { users: users.value, groups: groups.value };
    this.value = value;
    this.start = groups.next;
  }

  /** Loads a directory from the cache; undefined if there is none, it is damaged, or the names of its owners have changed. */
  static load(cache: LocalCache | undefined, key: Uint8Array, owners: OwnerNames): CachedDir | undefined {
    const kept = cache?.get(key);
    const value = kept === undefined ? undefined : inflated(kept);
    if (value === undefined) return undefined;
    try {
      const dir = new CachedDir(value);
      for (const [uid, name] of dir.owners.users) if (owners.userName(uid) !== name) return undefined;
      for (const [gid, name] of dir.owners.groups) if (owners.groupName(gid) !== name) return undefined;
      return dir;
    } catch (error) {
      if (error instanceof ParseError) return undefined;
      throw error;
    }
  }

  /** The entry at an offset, or undefined at the end. */
  entryAt(start: number): CachedEntry | undefined {
    const { value } = this;
    if (start >= value.length) return undefined;
    const { value: nameBytes, next: flagsAt } = decodeBsdata(value, start);
    const flags = value[flagsAt] ?? 0;
    const trusted = (flags & FLAG_TRUSTED) !== 0;
    const recordAt = flagsAt + 1 + (trusted ? SIGNATURE_SIZE : 0);
    const { next: recordEnd } = decodeBsdata(value, recordAt);
    const node = (flags & FLAG_HARD) === 0 ? undefined : decodeBsdata(value, recordEnd);
    return {
      name: octetsFromBytes(nameBytes),
      start,
      end: node === undefined ? recordEnd : node.next,
      signature: trusted ? value.subarray(flagsAt + 1, recordAt) : undefined,
      record: value.subarray(recordAt, recordEnd),
      node: node?.value,
    };
  }
}

/** Decompresses a value; undefined if it is damaged. */
function inflated(kept: Uint8Array): Uint8Array | undefined {
  if (kept[0] === PLAIN) return kept;
  try {
    return inflateRawSync(kept.subarray(1), { maxOutputLength: DEFLATED_SIZES.most });
  } catch {
    return undefined; // A cache may be damaged.
  }
}

/** Compresses a value, if that is worth it. */
function deflated(value: Uint8Array): Uint8Array {
  if (value.length < DEFLATED_SIZES.least || value.length > DEFLATED_SIZES.most) return value;
  return Buffer.concat([Uint8Array.of(DEFLATED), deflateRawSync(value, DEFLATE_OPTIONS)]);
}

function decodeOwners(value: Uint8Array, offset: number): { readonly value: Map<number, Octets | undefined>; readonly next: number } {
  const owners = new Map<number, Octets | undefined>();
  let { value: count, next } = decodeBsuint(value, offset);
  for (; count > 0; count--) {
    const id = decodeBsuint(value, next);
    const name = decodeBsdata(value, id.next);
    owners.set(id.value, name.value.length === 0 ? undefined : octetsFromBytes(name.value));
    next = name.next;
  }
  return { value: owners, next };
}

const signatureNumbers = new BigInt64Array(SIGNATURE_LENGTH);
const signatureBytes = new Uint8Array(signatureNumbers.buffer);

/** Whether a cached signature equals the current one of a file. */
export function isCachedSignature(packed: Uint8Array | undefined, signature: FileSignature): boolean {
  if (packed === undefined) return false;
  packSignature(signatureNumbers, 0, signature);
  return Buffer.compare(packed, signatureBytes) === 0;
}

/** Encodes the cache value of a directory. */
export class CacheWriter {
  readonly #entries = new ByteWriter(1024);

  /** Copies encoded entries of an earlier value. */
  copy(entries: Uint8Array): void {
    this.#entries.bytes(entries);
  }

  /**
   * Adds an entry, in the order of names.
   *
   * @param signature - undefined if it cannot be trusted
   */
  add(name: Octets, signature: FileSignature | undefined, record: Uint8Array, node: Uint8Array | undefined): void {
    const entries = this.#entries;
    entries.bsoctets(name);
    entries.octet((signature === undefined ? 0 : FLAG_TRUSTED) | (node === undefined ? 0 : FLAG_HARD));
    if (signature !== undefined) {
      packSignature(signatureNumbers, 0, signature);
      entries.bytes(signatureBytes);
    }
    entries.bytes(record);
    if (node !== undefined) entries.bsdata(node);
  }

  /** Returns the complete value. */
  finish(block: Block, links: number, owners: OwnerPairs): Uint8Array {
    const value = new ByteWriter(this.#entries.length + 256);
    value.octet(PLAIN);
    value.bsdata(blockrefBody(block));
    value.bsuint(links);
    for (const names of [owners.users, owners.groups]) {
      value.bsuint(names.size);
      for (const [id, name] of names) {
        value.bsuint(id);
        value.bsoctets(name ?? '');
      }
    }
    value.bytes(this.#entries.view());
    return deflated(value.take());
  }
}
