import type { Octets } from '../base/octets.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { DirDirent } from './dirent.ts';

/** The empty tree: the state before anything was put or recorded. */
export const EMPTY_ROOT: DirDirent = { kind: 'dir', name: '' as Octets, meta: {}, block: EMPTY_BLOCK };
