import type { Octets } from '../base/octets.ts';
import { EMPTY_BLOCK } from '../block/block.ts';
import type { DirDirent } from './dirent.ts';

/** The tree before anything was put into it or recorded. */
export const EMPTY_ROOT: DirDirent = { kind: 'dir', name: '' as Octets, meta: {}, block: EMPTY_BLOCK };
