import { VtError } from '../../base/errors.ts';
import { EventTurns } from '../../base/event-turns.ts';
import type { Octets } from '../../base/octets.ts';
import type { Block } from '../../block/block.ts';
import { UNKNOWN_SPAN } from '../../block/block.ts';
import type { BlockSource } from '../../block/block-source.ts';
import { readBlockRange } from '../../block/read-range.ts';
import { withSpan } from '../../block/tree-walk.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import type { Store } from '../../store/store.ts';
import { walkDirent } from '../../tree/walk.ts';
import type { ByteRange } from '../byte-ranges.ts';
import { partWithin } from '../byte-ranges.ts';
import { gatherContents } from '../gathered-contents.ts';
import type { TarMember, TarNode } from './tar-header.ts';
import { contentSize, padding, TAR_BLOCK, tarHeader, tarHeaderSize } from './tar-header.ts';

/** Milliseconds of a walk until others have their turn: a turn of the event loop takes in one new client. */
const TURN_MS = 5;

/** Two blocks of zeros end a tar. */
const END = Buffer.alloc(2 * TAR_BLOCK);

/**
 * The members of a tar of a Dir, in the order of its names. The tree never changes and every size is known, so a tar of it is always the same,
 * and any part of it can be made without the rest.
 *
 * @param dir - self-contained
 * @param name - that of the Dir in the tar
 */
export async function* tarMembers(source: BlockSource, dir: DirDirent, name: Octets, signal: AbortSignal): AsyncGenerator<TarMember> {
  const links = new Map<string, Octets>();
  for await (const item of walkDirent(source, dir, { signal })) {
    const path = (item.path === '/' ? name : `${name}${item.path}`) as Octets;
    if (item.kind !== 'node') {
      if (item.kind === 'enter') yield { path: `${path}/` as Octets, node: item.dirent };
      continue;
    }
    if (item.dirent.kind === 'socket') continue;
    const linkTo = item.link === undefined ? undefined : links.get(item.link.key);
    if (item.link !== undefined && linkTo === undefined && item.link.nlink > 1) links.set(item.link.key, path);
    yield { path, node: await withKnownSize(source, item.dirent, signal), linkTo };
  }
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
export async function tarSize(members: AsyncIterable<TarMember>): Promise<number> {
  let size = END.length;
  const turns = new EventTurns(TURN_MS);
  for await (const member of members) {
    size += tarHeaderSize(member) + paddedContent(member);
    const turn = turns.next();
    if (turn !== undefined) await turn;
  }
  if (!Number.isSafeInteger(size)) throw new VtError('EUNSUPPORTED', 'make a tar: it would have more than 2^53 bytes');
  return size;
}

function paddedContent(member: TarMember): number {
  const size = contentSize(member);
  return size + padding(size);
}

/** A part of the tar. Contents outside of it are not read. */
export async function* tarRange(
  store: Store,
  members: AsyncIterable<TarMember>,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const group of gatherContents(store, placesOf(members, range), signal)) {
    const pieces: Uint8Array[] = [];
    for (const { item, bytes } of group) {
      const { member, start, content, size } = item;
      if (member === undefined) {
        pieces.push(partWithin(END, start, range));
        continue;
      }
      if (content > range.start) pieces.push(partWithin(tarHeader(member), start, range));
      if (bytes !== undefined) pieces.push(bytes);
      else if (member.node.kind === 'file' && overlaps(content, content + size, range)) {
        yield Buffer.concat(pieces.splice(0));
        const wanted = { start: Math.max(0, range.start - content), end: Math.min(size, range.end - content) };
        yield* readBlockRange(store, member.node.block, { ...wanted, signal });
      }
      pieces.push(partWithin(END.subarray(0, padding(size)), content + size, range));
    }
    yield Buffer.concat(pieces);
  }
}

/** Where something of a tar is. */
interface TarPlace {
  /** Undefined for the end of the tar. */
  readonly member: TarMember | undefined;
  /** The first byte of its header. */
  readonly start: number;
  /** The first byte of its content, and bytes of that. */
  readonly content: number;
  readonly size: number;
  /** Its content, where all of it is in the range. */
  readonly block: Block | undefined;
}

/** The places of what a range has something of. */
async function* placesOf(members: AsyncIterable<TarMember>, range: ByteRange): AsyncGenerator<TarPlace> {
  let start = 0;
  for await (const member of members) {
    if (start >= range.end) return;
    const content = start + tarHeaderSize(member);
    const size = contentSize(member);
    const end = content + size + padding(size);
    const isWhole = size > 0 && content >= range.start && content + size <= range.end;
    const block = isWhole && member.node.kind === 'file' ? member.node.block : undefined;
    if (end > range.start) yield { member, start, content, size, block };
    start = end;
  }
  if (start < range.end) yield { member: undefined, start, content: start, size: 0, block: undefined };
}

function overlaps(start: number, end: number, range: ByteRange): boolean {
  return start < range.end && end > range.start && start < end;
}
