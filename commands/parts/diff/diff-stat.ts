import { compareOctets } from '../../../core/base/octets.ts';
import { changedBytes } from '../../../core/tree/diff/changed-ranges.ts';
import type { Change } from '../../../core/tree/diff/changes.ts';
import type { NodeDirent } from '../../../core/tree/diff/diff.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { parentPath, ROOT_PATH, splitPath } from '../../../core/tree/path.ts';
import type { NamedSides } from './diff-sides.ts';

/** New and removed bytes of content. */
export interface Sums {
  added: number;
  removed: number;
}

/** Sums of the differences below each Dir. */
export class DiffStat {
  readonly #sums = new Map<TreePath, Sums>();
  readonly #maxDepth: number;
  /** Hard-linked files that were counted already. */
  readonly #counted = new Set<string>();

  /** @param maxDepth - deeper Dirs are counted only in their ancestors */
  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
    this.#sums.set(ROOT_PATH, { added: 0, removed: 0 });
  }

  /**
   * Counts a difference. For a changed file only Blocks count that the other side lacks; a renamed file counts as unchanged.
   *
   * @returns the bytes of this difference
   */
  async add(change: Change, sides: NamedSides, signal: AbortSignal): Promise<Sums> {
    const sums = await this.#sumsOf(change, sides, signal);
    for (let dir = change.path === ROOT_PATH ? ROOT_PATH : parentPath(change.path); ; dir = parentPath(dir)) {
      if (splitPath(dir).length <= this.#maxDepth) {
        const sum = this.#sums.get(dir) ?? { added: 0, removed: 0 };
        this.#sums.set(dir, { added: sum.added + sums.added, removed: sum.removed + sums.removed });
      }
      if (dir === ROOT_PATH) return sums;
    }
  }

  async #sumsOf(change: Change, sides: NamedSides, signal: AbortSignal): Promise<Sums> {
    const none = { added: 0, removed: 0 };
    switch (change.kind) {
      case 'renamed':
        return none;
      case 'added':
        return { added: this.#sizeOf('after', change.after), removed: 0 };
      case 'removed':
        return { added: 0, removed: this.#sizeOf('before', change.before) };
      case 'changed': {
        const { before, after, path } = change;
        if (before.kind !== 'file' || after.kind !== 'file' || !change.content || !this.#isFirst('changed', after)) return none;
        const at = (side: NamedSides['before'], file: typeof before) => ({ side: side.side, path, file });
        return await changedBytes(at(sides.before, before), at(sides.after, after), { signal });
      }
    }
  }

  #sizeOf(which: string, dirent: NodeDirent): number {
    return dirent.kind === 'file' && this.#isFirst(which, dirent) ? dirent.block.span : 0;
  }

  #isFirst(which: string, { uuid }: NodeDirent): boolean {
    if (uuid === undefined) return true;
    const key = `${which} ${uuid}`;
    const isFirst = !this.#counted.has(key);
    this.#counted.add(key);
    return isFirst;
  }

  /** The sums of Dirs, each Dir after its subdirs. */
  dirs(): readonly (Sums & { readonly path: TreePath })[] {
    const last = (path: TreePath) => `${path === ROOT_PATH ? '' : path}\uffff` as TreePath;
    return [...this.#sums].map(([path, sums]) => ({ path, ...sums })).sort((a, b) => compareOctets(last(a.path), last(b.path)));
  }
}
