import { VtError } from '../../base/errors.ts';
import { EventTurns } from '../../base/event-turns.ts';
import type { Octets } from '../../base/octets.ts';
import type { BlockSource } from '../../block/block-source.ts';
import { readBlockRange } from '../../block/read-range.ts';
import { withSpan } from '../../block/tree-walk.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import { walkDirent } from '../../tree/walk.ts';
import type { ByteRange } from '../byte-ranges.ts';
import type { TarMember } from './tar-header.ts';
import { contentSize, padding, TAR_BLOCK, tarHeader } from './tar-header.ts';

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
    const node = item.dirent.kind === 'file' ? { ...item.dirent, block: await withSpan(source, item.dirent.block, signal) } : item.dirent;
    yield { path, node, linkTo };
  }
}

/**
 * Octets of the whole tar.
 *
 * @throws {VtError} EUNSUPPORTED for more than a number can tell: holes have any length
 */
export async function tarSize(members: AsyncIterable<TarMember>): Promise<number> {
  let size = END.length;
  const turns = new EventTurns(TURN_MS);
  for await (const member of members) {
    size += tarHeader(member).length + paddedContent(member);
    await turns.next();
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
  source: BlockSource,
  members: AsyncIterable<TarMember>,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  /** What of `bytes`, which stand at `at`, lies in the range. */
  const part = (bytes: Uint8Array): Uint8Array => {
    const from = Math.max(0, range.start - at);
    const found = bytes.subarray(Math.min(from, bytes.length), Math.max(0, Math.min(bytes.length, range.end - at)));
    at += bytes.length;
    return found;
  };
  for await (const member of members) {
    if (at >= range.end) return;
    const header = part(tarHeader(member));
    if (header.length > 0) yield header;
    const size = contentSize(member);
    if (at + size > range.start && at < range.end && size > 0 && member.node.kind === 'file') {
      const start = Math.max(0, range.start - at);
      yield* readBlockRange(source, member.node.block, { start, end: Math.min(size, range.end - at), signal });
    }
    at += size;
    const rest = part(END.subarray(0, padding(size)));
    if (rest.length > 0) yield rest;
  }
  const end = part(END);
  if (end.length > 0) yield end;
}
