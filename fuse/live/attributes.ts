import type { DirentKind } from '../../core/dirent/dirent.ts';
import { defaultMode } from '../../core/dirent/meta.ts';
import type { LiveNode } from '../../core/tree/live/live-state.ts';
import { packDevice } from '../device-number.ts';
import type { Attributes, Instant } from '../filesystem.ts';
import { instantOf } from './instant.ts';

/** Type bits of `st_mode`: <sys/stat.h>. */
export const S_IFMT = 0o170000;

const TYPE_BITS: Readonly<Record<Exclude<DirentKind, 'indirect'>, number>> = {
  fifo: 0o010000,
  char: 0o020000,
  dir: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};

const EPOCH: Instant = { seconds: 0, nanoseconds: 0 };
const SECTOR_SIZE = 512;
/** Size of a Dir in octets, as reported by stat(2). */
const DIR_SIZE = 4096;

/** The owner of nodes whose metadata has none. */
export interface DefaultOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * What stat(2) reports of a node.
 *
 * @param known - `atime`, else it is the mtime; `dataSize`, bytes of a file's content that are not holes, else that is provisional;
 *   `mtime` of a node whose metadata has none
 */
export function attributesOf(
  node: LiveNode,
  owner: DefaultOwner,
  known: { readonly atime?: Instant | undefined; readonly dataSize?: number | undefined; readonly mtime?: Instant | undefined } = {},
): Attributes {
  const { atime, dataSize } = known;
  const { dirent } = node;
  const { meta } = dirent;
  const mtime = meta.mtimeNs === undefined ? (known.mtime ?? EPOCH) : instantOf(meta.mtimeNs);
  const size = sizeOf(node);
  return {
    ino: node.id,
    size,
    blocks: node.sort === 'dir' ? DIR_SIZE / SECTOR_SIZE : dirent.kind === 'file' ? Math.ceil((dataSize ?? size) / SECTOR_SIZE) : 0,
    atime: atime ?? mtime,
    mtime,
    ctime: meta.ctimeNs === undefined ? mtime : instantOf(meta.ctimeNs),
    mode: modeOf(node),
    nlink: linksOf(node),
    uid: meta.uid ?? owner.uid,
    gid: meta.gid ?? owner.gid,
    rdev: meta.rdev === undefined ? 0 : packDevice(meta.rdev),
    ...(isProvisional(node, dataSize) ? { provisional: true } : {}),
  };
}

function isProvisional(node: LiveNode, dataSize: number | undefined): boolean {
  if (node.sort === 'dir') return node.subdirs === undefined && !node.gone;
  return node.dirent.kind === 'file' && dataSize === undefined;
}

/** `st_mode` of a node. */
export function modeOf({ dirent }: LiveNode): number {
  return TYPE_BITS[dirent.kind] | (dirent.meta.mode ?? defaultMode(dirent.kind));
}

/** The kind of node that mknod(2) creates for a mode; undefined if it creates none. */
export function kindOfMode(mode: number): 'file' | 'fifo' | 'socket' | 'char' | 'block' | undefined {
  const type = mode & S_IFMT;
  if (type === 0) return 'file';
  for (const kind of ['file', 'fifo', 'socket', 'char', 'block'] as const) if (TYPE_BITS[kind] === type) return kind;
  return undefined;
}

/** Bytes of content. */
export function sizeOf(node: LiveNode): number {
  if (node.sort === 'dir') return DIR_SIZE;
  const { dirent } = node;
  if (dirent.kind === 'file') return node.unsynced?.size ?? Math.max(0, dirent.block.span);
  return dirent.kind === 'symlink' ? dirent.target.length : 0;
}

/** Links of a Dir: 2, plus one for each Dir in it; 1 if they are not counted, as on filesystems that never count them. */
function linksOf(node: LiveNode): number {
  if (node.sort === 'dir') return node.gone ? 0 : node.subdirs === undefined ? 1 : 2 + node.subdirs;
  return node.hard?.nlink ?? (node.home === undefined ? 0 : 1);
}
