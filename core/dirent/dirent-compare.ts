import type { Octets } from '../base/octets.ts';
import type { Block } from '../block/block.ts';
import { EMPTY_BLOCK, sameBlock } from '../block/block.ts';
import type { Dirent } from './dirent.ts';
import { encodeDirent } from './dirent-codec.ts';

/** Whether two Dirents are equal apart from their names. */
export function sameDirent(a: Dirent | undefined, b: Dirent | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a === b) return true;
  const name = '' as Octets;
  return Buffer.compare(encodeDirent({ ...a, name }), encodeDirent({ ...b, name })) === 0;
}

/** Whether two Dirents have the same metadata. Contents, names and links are not compared. */
export function sameMeta(a: Dirent, b: Dirent): boolean {
  if (a.meta === b.meta) return true;
  const bare = (dirent: Dirent): Dirent => ({ kind: 'file', name: '' as Octets, meta: dirent.meta, block: EMPTY_BLOCK });
  return Buffer.compare(encodeDirent(bare(a)), encodeDirent(bare(b))) === 0;
}

/** Whether two Dirents other than Dirs have the same content: Block, target, or device numbers. */
export function sameContent(a: Dirent, b: Dirent): boolean {
  if (a.kind === 'file') return b.kind === 'file' && sameBlock(a.block, b.block);
  if (a.kind === 'symlink') return b.kind === 'symlink' && a.target === b.target;
  if (a.kind === 'indirect') return b.kind === 'indirect' && a.uuid === b.uuid;
  return a.kind === b.kind && a.meta.rdev?.major === b.meta.rdev?.major && a.meta.rdev?.minor === b.meta.rdev?.minor;
}

/** Whether two optional references are equal. */
export function sameOptionalBlock(a: Block | undefined, b: Block | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameBlock(a, b);
}
