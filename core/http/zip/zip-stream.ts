import { crc32 } from '../../base/crc32.ts';
import { VtError } from '../../base/errors.ts';
import { EventTurns } from '../../base/event-turns.ts';
import { octetsToBytes } from '../../base/octets.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Block } from '../../block/block.ts';
import type { BlockSource } from '../../block/block-source.ts';
import { formatBlock } from '../../block/block-text.ts';
import { readBlockRange } from '../../block/read-range.ts';
import type { Store } from '../../store/store.ts';
import type { ByteRange } from '../byte-ranges.ts';
import { partWithin } from '../byte-ranges.ts';
import { gatherContents } from '../gathered-contents.ts';
import type { TarMember } from '../tar/tar-header.ts';
import type { ZipMember } from './zip-records.ts';
import {
  dataDescriptor,
  directoryEnd,
  directoryRecord,
  directoryRecordSize,
  localHeader,
  memberSize,
  zipContentSize,
} from './zip-records.ts';

/** Milliseconds of a walk until others have their turn. */
const TURN_MS = 5;
/** Bytes of a name, at most. */
const MAX_NAME = 0xffff;
/** CRCs that are remembered: some 20 MB. */
const MAX_CRCS = 100_000;

/** A zip whose bytes all follow from a Dir. `members` begins a walk over it again. */
export interface ZipSource {
  readonly source: Store;
  readonly members: (signal: AbortSignal) => AsyncIterable<TarMember>;
  readonly crcs: KnownCrcs;
}

/** CRC-32 of contents that were read, by their Blocks' texts: a download that is resumed need not read again what was sent before. */
export type KnownCrcs = RecentMap<string, number>;

/** No CRC is known yet. */
export function knownCrcs(): KnownCrcs {
  return new RecentMap({ maxSize: MAX_CRCS });
}

/**
 * Bytes of the whole zip.
 *
 * @throws {VtError} EUNSUPPORTED for more than a number can hold
 */
export async function zipSize({ members }: ZipSource, signal: AbortSignal): Promise<number> {
  const turns = new EventTurns(TURN_MS);
  let at = 0;
  let count = 0;
  let directory = 0;
  for await (const member of zipMembers(members(signal))) {
    await turns.next(signal);
    directory += directoryRecordSize(member, at);
    at += memberSize(member);
    count++;
  }
  const size = at + directory + directoryEnd(count, at, directory).length;
  if (!Number.isSafeInteger(size)) throw new VtError('EUNSUPPORTED', 'make a zip: it would have more than 2^53 bytes');
  return size;
}

/** A part of the zip. Contents outside of it are read only where the part has their CRCs and these are not known. */
export async function* zipRange(zip: ZipSource, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { source, members } = zip;
  for await (const group of gatherContents(source, placesOf(zipMembers(members(signal)), range), signal)) {
    const pieces: Uint8Array[] = [];
    for (const { item, bytes } of group) {
      const { member, start } = item;
      if (member === undefined) {
        yield Buffer.concat(pieces.splice(0));
        yield* directory(zip, { start: range.start - start, end: range.end - start }, start, signal);
        continue;
      }
      const header = localHeader(member);
      pieces.push(partWithin(header, start, range));
      const content = start + header.length;
      const size = zipContentSize(member);
      let crc: number | undefined;
      if (bytes !== undefined) {
        pieces.push(bytes);
        crc = crc32(bytes);
      } else if (size === 0) crc = 0;
      else if (content < range.end && content + size > range.start) {
        yield Buffer.concat(pieces.splice(0));
        const wanted = { start: Math.max(0, range.start - content), end: Math.min(size, range.end - content) };
        let sum = 0;
        for await (const chunk of contentOf(source, member, wanted, signal)) {
          sum = crc32(chunk, sum);
          yield chunk;
        }
        if (wanted.start === 0 && wanted.end === size) crc = sum;
      }
      if (crc !== undefined) noteCrc(zip, member, crc);
      if (content + size < range.end)
        pieces.push(partWithin(dataDescriptor(member, crc ?? (await crcOf(zip, member, signal))), content + size, range));
    }
    yield Buffer.concat(pieces);
  }
}

/** Where something of a zip is. */
interface ZipPlace {
  /** Undefined for the directory, which comes last. */
  readonly member: ZipMember | undefined;
  /** The first byte of its header. */
  readonly start: number;
  /** Its content, where all of it is in the range. */
  readonly block: Block | undefined;
}

/** The places of what a range has something of. */
async function* placesOf(members: AsyncIterable<ZipMember>, range: ByteRange): AsyncGenerator<ZipPlace> {
  let start = 0;
  for await (const member of members) {
    if (start >= range.end) return;
    const end = start + memberSize(member);
    const isWhole = start >= range.start && end <= range.end;
    if (end > range.start) yield { member, start, block: isWhole && member.node.kind === 'file' ? member.node.block : undefined };
    start = end;
  }
  if (start < range.end) yield { member: undefined, start, block: undefined };
}

/** The directory and the end. */
async function* directory(zip: ZipSource, range: ByteRange, start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let at = 0;
  let offset = 0;
  let count = 0;
  for await (const member of zipMembers(zip.members(signal))) {
    const length = directoryRecordSize(member, offset);
    if (at < range.end && at + length > range.start) {
      const record = directoryRecord(member, await crcOf(zip, member, signal), offset);
      yield record.subarray(Math.max(0, range.start - at), Math.max(0, range.end - at));
    }
    at += length;
    offset += memberSize(member);
    count++;
  }
  const end = directoryEnd(count, start, at).subarray(Math.max(0, range.start - at), Math.max(0, range.end - at));
  if (end.length > 0) yield end;
}

/** Files, Dirs and symlinks: a zip has nothing else. A hard-linked file is there by each of its names. */
async function* zipMembers(members: AsyncIterable<TarMember>): AsyncGenerator<ZipMember> {
  for await (const { path, node } of members) {
    if (path.length > MAX_NAME) throw new VtError('EUNSUPPORTED', 'make a zip: it has a path of more than 65,535 bytes');
    if (node.kind === 'file' || node.kind === 'dir' || node.kind === 'symlink') yield { path, node };
  }
}

async function* contentOf(source: BlockSource, { node }: ZipMember, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (node.kind === 'file') yield* readBlockRange(source, node.block, { ...range, signal });
  else if (node.kind === 'symlink') yield octetsToBytes(node.target).subarray(range.start, range.end);
}

async function crcOf(zip: ZipSource, member: ZipMember, signal: AbortSignal): Promise<number> {
  const known = member.node.kind === 'file' ? zip.crcs.get(formatBlock(member.node.block)) : undefined;
  if (known !== undefined || member.node.kind === 'dir') return known ?? 0;
  let crc = 0;
  for await (const chunk of contentOf(zip.source, member, { start: 0, end: zipContentSize(member) }, signal)) crc = crc32(chunk, crc);
  noteCrc(zip, member, crc);
  return crc;
}

function noteCrc({ crcs }: ZipSource, { node }: ZipMember, crc: number): void {
  if (node.kind === 'file') crcs.set(formatBlock(node.block), crc);
}
