import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import type { StoreAccess } from '../base/system/store-files.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import { BlockIndex } from './index/block-index.ts';
import type { BehindFile } from './index/index-catch-up.ts';
import { compareMarks } from './index/index-catch-up.ts';
import { MISSING_INDEX } from './index/index-state.ts';
import type { IndexOwner } from './index/index-types.ts';

/** A file that an index of an earlier version has. */
const EARLIER_FILE = 'data.mdb';
/** Where these bar a write to an index the Store can be read all the same. */
const UNWRITABLE: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO'];

/** Whether an error bars a write to the index, and leaves the Store readable. */
export function isUnwritable(error: unknown): boolean {
  return UNWRITABLE.includes(errorCode(error));
}

export interface IndexOpeningOptions {
  /** Where the `.vtd` files are. */
  readonly dataFolder: string;
  /** Where the index is, or is to be. */
  readonly indexFolder: string;
  readonly owner: IndexOwner;
  /** The modes of what is made. */
  readonly access: StoreAccess;
  /** Write nothing: what the index does not know is kept in memory. */
  readonly readOnly: boolean;
  /** Throws where the Store is not the one any more that was opened: its index is none of ours then. */
  readonly requireOwn?: () => void;
  /** Blocks that were there may be gone. */
  readonly onLoss: () => void;
  /** Tell when there was no index at all: false where the data files are another program's. */
  readonly announceFirst: boolean;
  readonly onNotice: (notice: string) => void;
}

/** What came of opening or making an index. */
export interface OpenedIndex {
  /** Undefined where none can be made. */
  readonly index: BlockIndex | undefined;
  /** What data files hold beyond it. */
  readonly behind: readonly BehindFile[];
  /** Why none can be made. */
  readonly unwritable?: unknown;
}

/** Opens the index of a datadir, or makes it again, and compares it with the data files. */
export class IndexOpening {
  readonly #options: IndexOpeningOptions;
  /** The id of the index that cannot be used, where it could be read. */
  #unusableId: string | undefined;
  #announced = false;

  constructor(options: IndexOpeningOptions) {
    this.#options = options;
  }

  /** Opens what is there, or makes one where there is none. @returns why what is there cannot be used, or what was opened */
  open(): OpenedIndex | string {
    const { indexFolder, owner, readOnly, access } = this.#options;
    const earlier = join(indexFolder, EARLIER_FILE);
    const opened = BlockIndex.open(indexFolder, owner, access);
    if (typeof opened !== 'string') {
      // Who made this one was ended before the earlier one was removed.
      if (!readOnly) rmSync(earlier, { force: true });
      return this.#compared(opened, false);
    }
    if (!readOnly && existsSync(earlier)) return 'it is of an earlier version';
    return readOnly || opened !== MISSING_INDEX ? opened : this.make();
  }

  /** Makes an empty one. @returns why what was made cannot be used, or what was made */
  make(): OpenedIndex | string {
    const { indexFolder, owner, access, requireOwn } = this.#options;
    requireOwn?.();
    try {
      return this.#compared(BlockIndex.makeAnew(indexFolder, owner, access, this.#unusableId), true);
    } catch (error) {
      if (isUnwritable(error)) return { ...this.#without(), unwritable: error };
      if (error instanceof VtError) throw error;
      throw new VtError('EOPEN', `make index "${indexFolder}": ${errorReason(error)}`, { cause: error });
    }
  }

  /** Makes one in place of another that cannot be used. Several processes may find it so at the same time: one of them makes the new one. */
  makeAnew(reason: string): OpenedIndex {
    const { readOnly, indexFolder, onLoss, requireOwn } = this.#options;
    requireOwn?.();
    this.#announce(reason);
    if (readOnly) return this.#without();
    onLoss();
    const made = this.make();
    if (typeof made === 'string') throw new VtError('EOPEN', `make index "${indexFolder}": ${made}`);
    return made;
  }

  /** The index with this id turned out to be damaged: another takes its place. */
  giveUp(id: string): void {
    this.#unusableId = id;
  }

  /** The index is ready: when it is made again later, that is reported again. */
  noteReady(): void {
    this.#announced = false;
  }

  #without(): OpenedIndex {
    return { index: undefined, behind: compareMarks(this.#options.dataFolder, new Map()).behind };
  }

  /** @param isMade - there was none that could be used. An empty one that is there is that of a session which has just begun the Store. */
  #compared(opened: BlockIndex, isMade: boolean): OpenedIndex | string {
    const { dataFolder, announceFirst } = this.#options;
    let marks = opened.marks();
    let state = compareMarks(dataFolder, marks);
    if (state.lost.length > 0) {
      // A gc may have dropped a file between the two looks: it tells the index first.
      opened.refresh();
      marks = opened.marks();
      state = compareMarks(dataFolder, marks);
    }
    const [lost] = state.lost;
    if (lost !== undefined) {
      this.#unusableId = opened.id;
      opened.close();
      return `data file "${lost}" is gone, or shorter than it was`;
    }
    if (isMade && announceFirst && marks.size === 0 && state.behind.length > 0) this.#announce('it is missing');
    return { index: opened, behind: state.behind };
  }

  // One notice for each time that the index is made again.
  #announce(reason: string): void {
    if (this.#announced) return;
    this.#announced = true;
    const { indexFolder, readOnly, onNotice } = this.#options;
    onNotice(`index "${indexFolder}": ${reason}; ${readOnly ? 'reading' : 'rebuilding it from'} the data files`);
  }
}
