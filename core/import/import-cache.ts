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

// What PUT remembers of a local directory, so that unchanged files are not read again. There is one value a directory, with the
// signature and the encoded Dirent of each entry in order of their names. It is beside the Store, is a cache, and is no format:
// another version simply finds nothing.

/** First bytes of keys. A change of anything below takes another. */
const KEY_MARK = 'put3';

/** First byte of a value: what follows is as it is, or a value as it is, deflated. */
const PLAIN = 0;
const DEFLATED = 1;

/**
 * Bytes of values that are deflated, which leaves less than half of them: a million files took 130 MB here, and take 60. What is shorter
 * costs more time than it saves room. What is longer would hold the thread.
 */
const DEFLATED_SIZES = { least: 4096, most: 4 * 1024 * 1024 };

/** The first level is as small as the third, within 2 %. A small window needs no memory that is cleared first for each value. */
const DEFLATE_OPTIONS = { level: 1, windowBits: 13, memLevel: 6 };

/**
 * A file is trusted to be as it was read only if its ctime was this much older than the moment it was read. Kernels stamp times
 * with a clock that ticks every 1 to 10 ms, so a write within the same tick would leave no trace.
 */
export const TRUST_AGE_NS = 20_000_000n;

const FLAG_TRUSTED = 1;
const FLAG_HARD = 2;

const SIGNATURE_SIZE = SIGNATURE_LENGTH * 8;

/** Names of owners as they were, in pairs with their numbers. */
export interface OwnerPairs {
  readonly users: ReadonlyMap<number, Octets | undefined>;
  readonly groups: ReadonlyMap<number, Octets | undefined>;
}

/** One entry of a remembered directory; views of its value. */
export interface CachedEntry {
  readonly name: Octets;
  /** Where its record is in the value, and where the next one is. */
  readonly start: number;
  readonly end: number;
  /** SIGNATURE_SIZE bytes, or undefined where the file was too young to be trusted. */
  readonly signature: Uint8Array | undefined;
  /** The encoded Dirent, in the form that the Dir has: its length in front. */
  readonly record: Uint8Array;
  /** Of a hard link the encoded Dirent of the node, named by its uuid; empty where another directory had it. */
  readonly node: Uint8Array | undefined;
}

/**
 * The key of a directory.
 *
 * @param profile - what else decides its Dirents: the options of the import
 * @param parser - the parser asked for, which decides the Blocks
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

/** What is remembered of a directory. Its entries are read one after the other, in order of their names. */
export class CachedDir {
  /** The Dir's Block, if all entries are as they were. */
  readonly block: Block;
  /** Names of hard links in it and below. */
  readonly links: number;
  readonly owners: OwnerPairs;
  readonly value: Uint8Array;
  /** Where the first entry is. */
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

  /** What `cache` has under a key, if it is whole and its owners' names still hold. */
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

/** A value as it is; undefined where it cannot be had any more. */
function inflated(kept: Uint8Array): Uint8Array | undefined {
  if (kept[0] === PLAIN) return kept;
  try {
    return inflateRawSync(kept.subarray(1), { maxOutputLength: DEFLATED_SIZES.most });
  } catch {
    return undefined; // A cache may have lost what it held.
  }
}

/** A value as it is kept. */
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

/** Whether a remembered signature is that of a file as it is. */
export function isCachedSignature(packed: Uint8Array | undefined, signature: FileSignature): boolean {
  if (packed === undefined) return false;
  packSignature(signatureNumbers, 0, signature);
  return Buffer.compare(packed, signatureBytes) === 0;
}

/** Writes what is to be remembered of a directory. */
export class CacheWriter {
  readonly #entries = new ByteWriter(1024);

  /** Entries as an earlier value has them. */
  copy(entries: Uint8Array): void {
    this.#entries.bytes(entries);
  }

  /**
   * The next entry, in order of names.
   *
   * @param signature - undefined where it is not to be trusted
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

  /** The whole value. */
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
