import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { importLocal } from '../import/import.ts';
import { direntBelow } from '../tree/lookup-below.ts';
import { baseName } from '../tree/path.ts';
import type { Retries } from './retries.ts';
import type { StoredSide } from './stored-side.ts';
import type { WatchFindings } from './watch-findings.ts';
import type { WatchGroupOptions } from './watch-group-options.ts';
import type { WatchRules } from './watch-rules.ts';

/** Files smaller than this many bytes are read in this thread. */
export const LARGE_SIZE: number = 4 * 1024 * 1024;

type Node = Exclude<Dirent, IndirectDirent>;

/** The imported node of a path, and the paths below it that could not be read. */
export interface Found {
  readonly dirent: Node;
  readonly failed: readonly Octets[];
  /** Whether a node in it has hard links outside. */
  readonly isLinkedBeyond: boolean;
}

/** The parts that an import of a watched tree uses. */
interface WatchImportParts {
  readonly options: WatchGroupOptions;
  readonly findings: WatchFindings;
  readonly rules: WatchRules | undefined;
  readonly retries: Retries;
  readonly stored: StoredSide;
}

/** Imports a watched tree, or a part of it, as PUT would. */
export class WatchImport {
  readonly #parts: WatchImportParts;

  constructor(parts: WatchImportParts) {
    this.#parts = parts;
  }

  /**
   * Imports a path.
   *
   * @param entry - a path that the system resolves safely to it
   * @param size - its size in bytes, as far as it is known; it decides whether workers are used
   */
  async import(path: Octets, entry: Octets, size: number, options: OpOptions): Promise<Found> {
    const { options: watched, findings, rules, retries, stored } = this.#parts;
    const { store, tree, imports, folder } = watched;
    const failed: Octets[] = [];
    const { dirent, counts, isLinkedBeyond } = await importLocal(store, entry, {
      ...imports,
      ...options,
      stored: async (below) => await direntBelow(tree, stored.pathOf(path), below, options),
      filter: rules?.within(path),
      ...(size < LARGE_SIZE ? { workers: 0 } : {}),
      onFailure: (at, error) => {
        if (isReplaced(error)) return;
        const below = `${path}${at.slice(entry.length)}` as Octets;
        failed.push(below);
        retries.failFor(below, errorReason(error));
      },
    });
    const read = counts.bytes - counts.unchangedBytes;
    findings.newBytes += read;
    findings.readBytes += read;
    if (path === folder) {
      findings.files = counts.files;
      findings.size = counts.bytes;
    }
    return { dirent: { ...dirent, name: baseName(stored.pathOf(path)) }, failed, isLinkedBeyond };
  }
}

/** Whether a path vanished or was replaced during the import: that causes an event of its own. */
export function isReplaced(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '');
}
