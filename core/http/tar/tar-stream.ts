import { VtError } from '../../base/errors.ts';
import { EventTurns } from '../../base/event-turns.ts';
import type { Octets } from '../../base/octets.ts';
import { UNKNOWN_SPAN } from '../../block/block.ts';
import type { BlockSource } from '../../block/block-source.ts';
import { readBlockRange } from '../../block/read-range.ts';
import { withSpan } from '../../block/tree-walk.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import type { Store } from '../../store/store.ts';
import { walkDirent } from '../../tree/walk.ts';
import type { ByteRange } from '../byte-ranges.ts';
import type { GatheredContents } from '../pack/gathered-contents.ts';
import type { PackFormat, RangePart } from '../pack/packed-range.ts';
import { packedRange } from '../pack/packed-range.ts';
import type { TarMember, TarNode } from './tar-header.ts';
import { contentSize, padding, TAR_BLOCK, tarHeaderSize, writeTarHeader } from './tar-header.ts';

/** Milliseconds of a walk between turns for others: each turn of the event loop accepts one new client. */
const TURN_MS = 5;

/** Members that a walk gives at a time. */
const BATCH_SIZE = 256;

/** Two blocks of zeros end a tar. */
const END_SIZE = 2 * TAR_BLOCK;

/**
 * The members of a tar of a Dir, in order of names. The tree never changes and every size is known, so its tar is always the same, and any
 * part can be made without the rest.
 *
 * @param dir - self-contained
 * @param name - of the Dir in the tar
 */
export async function* tarMembers(
  source: BlockSource,
  dir: DirDirent,
  name: Octets,
  signal: AbortSignal,
): AsyncGenerator<readonly TarMember[]> {
  const links = new Map<string, Octets>();
  let batch: TarMember[] = [];
  for await (const item of walkDirent(source, dir, { signal })) {
    const path = (item.path === '/' ? name : `${name}${item.path}`) as Octets;
    if (item.kind === 'enter') batch.push({ path: `${path}/` as Octets, node: item.dirent });
    if (item.kind === 'node' && item.dirent.kind !== 'socket') {
      const linkTo = item.link === undefined ? undefined : links.get(item.link.key);
      if (item.link !== undefined && linkTo === undefined && item.link.nlink > 1) links.set(item.link.key, path);
      batch.push({ path, node: await withKnownSize(source, item.dirent, signal), linkTo });
    }
    if (batch.length < BATCH_SIZE) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

async function withKnownSize(source: BlockSource, node: TarNode, signal: AbortSignal): Promise<TarNode> {
  if (node.kind !== 'file' || node.block.span !== UNKNOWN_SPAN) return node;
  return { ...node, block: await withSpan(source, node.block, signal) };
}

/**
 * Bytes of the whole tar.
 *
 * @throws {VtError} EUNSUPPORTED for more than a number can hold: holes have any length
 */
export async function tarSize(batches: AsyncIterable<readonly TarMember[]>): Promise<number> {
  let size = END_SIZE;
  const turns = new EventTurns(TURN_MS);
  for await (const batch of batches) {
    for (const member of batch) {
      const content = contentSize(member);
      size += tarHeaderSize(member) + content + padding(content);
    }
    const turn = turns.next();
    if (turn !== undefined) await turn;
  }
  if (!Number.isSafeInteger(size)) throw new VtError('EUNSUPPORTED', 'make a tar: it would have more than 2^53 bytes');
  return size;
}

/** A part of the tar. Contents outside of it are not read. */
export function tarRange(
  contents: GatheredContents,
  store: Store,
  batches: AsyncIterable<readonly TarMember[]>,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const format: PackFormat<TarPart> = {
    writeBefore({ member }, target, at) {
      if (member === undefined) target.fill(0, at, at + END_SIZE);
      else writeTarHeader(member, target, at);
    },
    async *content({ member }, wanted) {
      if (member?.node.kind === 'file') yield* readBlockRange(store, member.node.block, { ...wanted, signal });
    },
    writeAfter({ after }, target, at) {
      target.fill(0, at, at + after);
      return undefined;
    },
  };
  return packedRange(contents, store, partsOf(batches, range), range, format, signal);
}

/** A part of a tar: undefined as member for its end. */
interface TarPart extends RangePart {
  readonly member: TarMember | undefined;
}

/** The parts that a range has something of. */
async function* partsOf(batches: AsyncIterable<readonly TarMember[]>, range: ByteRange): AsyncGenerator<readonly TarPart[]> {
  let start = 0;
  for await (const batch of batches) {
    const parts: TarPart[] = [];
    for (const member of batch) {
      const before = tarHeaderSize(member);
      const size = contentSize(member);
      const after = padding(size);
      const content = start + before;
      const isWhole = content >= range.start && content + size <= range.end;
      const block = isWhole && size > 0 && member.node.kind === 'file' ? member.node.block : undefined;
      const end = content + size + after;
      if (end > range.start && start < range.end) parts.push({ member, start, before, size, after, block });
      start = end;
    }
    yield parts;
    if (start >= range.end) return;
  }
  yield [{ member: undefined, start, before: END_SIZE, size: 0, after: 0, block: undefined }];
}
