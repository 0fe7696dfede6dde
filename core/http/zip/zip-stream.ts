import { crc32 } from '../../base/crc32.ts';
import { VtError } from '../../base/errors.ts';
import { EventTurns } from '../../base/event-turns.ts';
import { octetsToBytes } from '../../base/octets.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { BlockSource } from '../../block/block-source.ts';
import { formatBlock } from '../../block/block-text.ts';
import { readBlockRange } from '../../block/read-range.ts';
import type { Store } from '../../store/store.ts';
import type { ByteRange } from '../byte-ranges.ts';
import type { GatheredContents } from '../pack/gathered-contents.ts';
import type { PackFormat, RangePart } from '../pack/packed-range.ts';
import { packedRange } from '../pack/packed-range.ts';
import type { TarMember } from '../tar/tar-header.ts';
import type { ZipMember } from './zip-records.ts';
import {
  dataDescriptor,
  dataDescriptorSize,
  directoryEnd,
  directoryRecord,
  directoryRecordSize,
  localHeader,
  localHeaderSize,
  memberSize,
  zipContentSize,
} from './zip-records.ts';

/** Milliseconds of a walk between turns for others. */
const TURN_MS = 5;
/** Bytes of a name, at most. */
const MAX_NAME = 0xffff;
/** CRCs remembered, at most: about 20 MB. */
const MAX_CRCS = 100_000;

/** A zip that is determined by a Dir. `members` begins a new walk. */
export interface ZipSource {
  readonly contents: GatheredContents;
  readonly source: Store;
  readonly members: (signal: AbortSignal) => AsyncIterable<readonly TarMember[]>;
  readonly crcs: KnownCrcs;
}

/** CRC-32 of contents that were read, by the text of their Block, so that a resumed download need not read earlier contents again. */
export type KnownCrcs = RecentMap<string, number>;

/** Makes an empty table of CRCs. */
export function knownCrcs(): KnownCrcs {
  return new RecentMap({ maxSize: MAX_CRCS });
}

/** The size of the whole zip in bytes. @throws {VtError} EUNSUPPORTED beyond 2^53 - 1 */
export async function zipSize({ members }: ZipSource, signal: AbortSignal): Promise<number> {
  const turns = new EventTurns(TURN_MS);
  let at = 0;
  let count = 0;
  let directory = 0;
  for await (const batch of zipMembers(members(signal))) {
    const turn = turns.next(signal);
    if (turn !== undefined) await turn;
    for (const member of batch) {
      directory += directoryRecordSize(member, at);
      at += memberSize(member);
    }
    count += batch.length;
  }
  const size = at + directory + directoryEnd(count, at, directory).length;
  if (!Number.isSafeInteger(size)) throw new VtError('EUNSUPPORTED', 'make a zip: it would have more than 2^53 bytes');
  return size;
}

/** Makes a part of the zip. Contents outside it are read only if the part has their CRCs and these are unknown. */
export async function* zipRange(zip: ZipSource, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { contents, source, members } = zip;
  let end = 0;
  const format: PackFormat<ZipPart> = {
    writeBefore: ({ member }, target, at) => void target.set(localHeader(member), at),
    seeContent({ member }, content) {
      noteCrc(zip, member, crc32(content));
    },
    async *content({ member, size }, wanted) {
      let sum = 0;
      for await (const chunk of contentOf(source, member, wanted, signal)) {
        sum = crc32(chunk, sum);
        yield chunk;
      }
      if (wanted.start === 0 && wanted.end === size) noteCrc(zip, member, sum);
    },
    writeAfter({ member, start, before, size, after }, target, at) {
      // Nothing of it is wanted: its CRC may not be known.
      if (after === 0 || start + before + size >= range.end) return undefined;
      const crc = knownCrc(zip, member);
      if (crc === undefined)
        return crcOf(zip, member, signal).then((made) => {
          target.set(dataDescriptor(member, made), at);
        });
      target.set(dataDescriptor(member, crc), at);
      return undefined;
    },
  };
  const parts = partsOf(zipMembers(members(signal)), range, (size) => {
    end = size;
  });
  yield* packedRange(contents, source, parts, range, format, signal);
  if (end < range.end) yield* directory(zip, { start: range.start - end, end: range.end - end }, end, signal);
}

/** A part of a zip before its directory. */
interface ZipPart extends RangePart {
  readonly member: ZipMember;
}

/** The parts that a range has something of. @param sum - called with the bytes of all that were passed */
async function* partsOf(
  batches: AsyncIterable<readonly ZipMember[]>,
  range: ByteRange,
  sum: (size: number) => void,
): AsyncGenerator<readonly ZipPart[]> {
  let start = 0;
  for await (const batch of batches) {
    const parts: ZipPart[] = [];
    for (const member of batch) {
      const before = localHeaderSize(member);
      const size = zipContentSize(member);
      const after = dataDescriptorSize(member);
      const end = start + before + size + after;
      const isWhole = start >= range.start && end <= range.end;
      const block = isWhole && member.node.kind === 'file' ? member.node.block : undefined;
      if (end > range.start && start < range.end) parts.push({ member, start, before, size, after, block });
      start = end;
    }
    sum(start);
    yield parts;
    if (start >= range.end) return;
  }
}

/** The central directory and its end. */
async function* directory(zip: ZipSource, range: ByteRange, start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let at = 0;
  let offset = 0;
  let count = 0;
  for await (const batch of zipMembers(zip.members(signal))) {
    for (const member of batch) {
      const length = directoryRecordSize(member, offset);
      if (at < range.end && at + length > range.start) {
        const record = directoryRecord(member, await crcOf(zip, member, signal), offset);
        yield record.subarray(Math.max(0, range.start - at), Math.max(0, range.end - at));
      }
      at += length;
      offset += memberSize(member);
    }
    count += batch.length;
  }
  const end = directoryEnd(count, start, at).subarray(Math.max(0, range.start - at), Math.max(0, range.end - at));
  if (end.length > 0) yield end;
}

/** Files, Dirs and symlinks: a zip has nothing else. A hard-linked file is there by each of its names. */
async function* zipMembers(batches: AsyncIterable<readonly TarMember[]>): AsyncGenerator<readonly ZipMember[]> {
  for await (const batch of batches) {
    const members: ZipMember[] = [];
    for (const { path, node } of batch) {
      if (path.length > MAX_NAME) throw new VtError('EUNSUPPORTED', 'make a zip: it has a path of more than 65,535 bytes');
      if (node.kind === 'file' || node.kind === 'dir' || node.kind === 'symlink') members.push({ path, node });
    }
    yield members;
  }
}

async function* contentOf(source: BlockSource, { node }: ZipMember, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (node.kind === 'file') yield* readBlockRange(source, node.block, { ...range, signal });
  else if (node.kind === 'symlink') yield octetsToBytes(node.target).subarray(range.start, range.end);
}

async function crcOf(zip: ZipSource, member: ZipMember, signal: AbortSignal): Promise<number> {
  const known = knownCrc(zip, member);
  if (known !== undefined) return known;
  let crc = 0;
  for await (const chunk of contentOf(zip.source, member, { start: 0, end: zipContentSize(member) }, signal)) crc = crc32(chunk, crc);
  noteCrc(zip, member, crc);
  return crc;
}

function knownCrc({ crcs }: ZipSource, member: ZipMember): number | undefined {
  if (zipContentSize(member) === 0) return 0;
  return member.node.kind === 'file' ? crcs.get(formatBlock(member.node.block)) : undefined;
}

function noteCrc({ crcs }: ZipSource, { node }: ZipMember, crc: number): void {
  if (node.kind === 'file') crcs.set(formatBlock(node.block), crc);
}
