import type { VtErrorCode } from '../base/errors.ts';
import { VtError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { BlockSource } from '../block/block-source.ts';
import type { DirDirent, Dirent } from '../dirent/dirent.ts';
import { DirReader } from './dir-reader.ts';
import type { LeafDirent } from './live/live-node.ts';
import type { TreePath } from './path.ts';
import { joinPath, ROOT_PATH } from './path.ts';

/** Identifies the node of a hard link: the same for all names of a node within one walk. */
export interface WalkLink {
  readonly key: string;
  /** Number of names of the node, according to its table. */
  readonly nlink: number;
}

/** An item of a walk. A Dir has two items: before and after its contents. */
export type WalkItem =
  | { readonly kind: 'enter' | 'leave'; readonly path: TreePath; readonly depth: number; readonly dirent: DirDirent }
  | {
      readonly kind: 'node';
      readonly path: TreePath;
      readonly depth: number;
      readonly dirent: LeafDirent;
      readonly link: WalkLink | undefined;
    }
  | { readonly kind: 'damage'; readonly path: TreePath; readonly depth: number; readonly error: VtError };

/** Options of {@link walkDirent}. */
export interface WalkOptions {
  readonly signal?: AbortSignal | undefined;
  /** The path of the top; default: the root. */
  readonly path?: TreePath;
  /** Yield an unreadable part as an item of kind `damage`, and continue; default: throw. */
  readonly damage?: boolean;
}

interface OpenDir {
  readonly path: TreePath;
  readonly depth: number;
  readonly dirent: DirDirent;
  readonly batches: AsyncIterator<Dirent[]>;
  /** Entries that have arrived, and the index of the next one. */
  batch: readonly Dirent[];
  next: number;
  readonly parent: OpenDir | undefined;
  /** Identifies the inode table: the number of the Dir in the order of entering. */
  readonly number: number;
}

/**
 * Walks a self-contained Dirent depth first, entries by name, as their Blocks arrive. Memory is proportional to the depth,
 * and depth uses no stack. Names of hard links are resolved to their nodes.
 *
 * `next('skip')` after an `enter` skips the contents of that Dir; its `leave` still follows.
 *
 * @throws {VtError} ECORRUPT, EMISSING … if something is unreadable, unless `damage`
 */
export async function* walkDirent(
  source: BlockSource,
  top: Dirent,
  options: WalkOptions = {},
): AsyncGenerator<WalkItem, void, 'skip' | undefined> {
  const { signal } = options;
  const reader = new DirReader(source);
  const turns = new EventTurns();
  let opened = 0;
  const open = (path: TreePath, depth: number, dirent: DirDirent, parent: OpenDir | undefined): OpenDir => {
    opened++;
    const batches = reader.batches(dirent.block, { signal })[Symbol.asyncIterator]();
    return { path, depth, dirent, parent, number: opened, batches, batch: [], next: 0 };
  };
  const path = options.path ?? ROOT_PATH;
  if (top.kind === 'indirect') throw danglingLink(path, top.uuid);
  if (top.kind !== 'dir') {
    yield { kind: 'node', path, depth: 0, dirent: top, link: undefined };
    return;
  }
  const first = yield { kind: 'enter', path, depth: 0, dirent: top };
  if (first === 'skip') yield { kind: 'leave', path, depth: 0, dirent: top };
  let dir: OpenDir | undefined = first === 'skip' ? undefined : open(path, 0, top, undefined);
  try {
    while (dir !== undefined) {
      const turn = turns.next(signal);
      if (turn !== undefined) await turn;
      const at: OpenDir = dir;
      const found = nextItem(reader, at, options);
      // Avoid an `await` for entries that have arrived: in a large Dir, all but one in hundreds.
      const step = found instanceof Promise ? await found : found;
      if (step === undefined) {
        yield { kind: 'leave', path: at.path, depth: at.depth, dirent: at.dirent };
        dir = at.parent;
        continue;
      }
      const how = yield step;
      if (step.kind !== 'enter') continue;
      if (how === 'skip') yield { ...step, kind: 'leave' };
      else dir = open(step.path, step.depth, step.dirent, at);
    }
  } finally {
    for (; dir !== undefined; dir = dir.parent) await dir.batches.return?.();
  }
}

/** The next item of a Dir, or undefined after the last; a promise if it has not arrived yet. */
function nextItem(reader: DirReader, dir: OpenDir, options: WalkOptions): WalkItem | Promise<WalkItem | undefined> {
  const dirent = dir.batch[dir.next];
  if (dirent === undefined) return nextBatch(reader, dir, options);
  dir.next++;
  const depth = dir.depth + 1;
  const path = joinPath(dir.path, dirent.name);
  if (dirent.kind === 'dir') return { kind: 'enter', path, depth, dirent };
  if (dirent.kind !== 'indirect') return { kind: 'node', path, depth, dirent, link: undefined };
  return orDamage(path, depth, options, async () => ({
    kind: 'node',
    path,
    depth,
    ...(await linkedNode(reader, dir, path, dirent.name, dirent.uuid, options)),
  }));
}

function nextBatch(reader: DirReader, dir: OpenDir, options: WalkOptions): Promise<WalkItem | undefined> {
  // A failed listing has ended: the next step leaves its Dir.
  return orDamage(dir.path, dir.depth, options, async () => {
    const { value, done } = await dir.batches.next();
    if (done === true) return undefined;
    dir.batch = value;
    dir.next = 0;
    return await nextItem(reader, dir, options);
  });
}

async function orDamage(
  path: TreePath,
  depth: number,
  options: WalkOptions,
  work: () => Promise<WalkItem | undefined>,
): Promise<WalkItem | undefined> {
  try {
    return await work();
  } catch (error) {
    if (options.damage !== true || !isDamage(error)) throw error;
    return { kind: 'damage', path, depth, error };
  }
}

async function linkedNode(
  reader: DirReader,
  dir: OpenDir,
  path: TreePath,
  name: Octets,
  uuid: string,
  options: WalkOptions,
): Promise<{ dirent: LeafDirent; link: WalkLink }> {
  for (let at: OpenDir | undefined = dir; at !== undefined; at = at.parent) {
    if (at.dirent.inodes === undefined) continue;
    const node = await reader.find(at.dirent.inodes, uuid as Octets, { signal: options.signal });
    if (node === undefined) continue;
    if (node.kind === 'dir' || node.kind === 'indirect') break;
    return { dirent: { ...node, name }, link: { key: `${at.number}/${uuid}`, nlink: node.nlink ?? 1 } };
  }
  throw danglingLink(path, uuid);
}

function danglingLink(path: TreePath, uuid: string): VtError {
  return new VtError('ECORRUPT', `look up "${octetsToText(path)}": no inode table has its node ${uuid}`);
}

/** Whether an error is about stored data, so that other parts may be readable. */
export function isDamage(error: unknown): error is VtError {
  return error instanceof VtError && ABOUT_STORED_DATA.has(error.code);
}

/** EUNSUPPORTED: an entry of unknown kind. */
const ABOUT_STORED_DATA: ReadonlySet<VtErrorCode> = new Set(['EMISSING', 'ECORRUPT', 'EPARSE', 'EUNSUPPORTED']);
