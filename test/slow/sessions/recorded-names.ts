import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { ROOT_PATH } from '../../../core/tree/path.ts';
import { openShellHere } from '../../support/shells/shell-here.ts';

/** The names at the top of a tree. */
export type Names = ReadonlySet<string>;

/** A recorded root. */
export interface RecordedRoot {
  readonly text: string;
  readonly names: Names;
}

/** The tree before anything was recorded. */
export const NO_ROOT: RecordedRoot = { text: '', names: new Set() };

/** What three states of a set become, as a merge of roots has it: additions and removals of both sides count. */
export function mergedNames(base: Names, ours: Names, theirs: Names): Names {
  const merged = new Set([...ours].filter((name) => theirs.has(name) || !base.has(name)));
  for (const name of theirs) if (!base.has(name)) merged.add(name);
  return merged;
}

export function sameNames(a: Names, b: Names): boolean {
  return a.size === b.size && [...a].every((name) => b.has(name));
}

/** The roots of a Store's default archive with the names at their tops, as they are recorded; each is read once. */
export class RecordedNames {
  readonly roots: RecordedRoot[] = [];
  readonly #store: string;
  readonly #home: string;

  constructor(store: string, home: string) {
    this.#store = store;
    this.#home = home;
  }

  /** Reads what was recorded since. */
  async update(): Promise<void> {
    const texts: string[] = [];
    const dirents: DirDirent[] = [];
    for await (const { dirent } of openArchiveFile(`${this.#store}/archives/default.vt`, { readOnly: true }).entries()) {
      texts.push(formatDirent(dirent));
      if (dirent.kind === 'dir') dirents.push(dirent);
    }
    if (texts.length === this.roots.length) return;
    // Opened for this alone: gc leaves what sessions at work may count on.
    await using shell = await openShellHere({ home: this.#home, store: this.#store });
    for (let i = this.roots.length; i < texts.length; i++) {
      const [text, dirent] = [texts[i], dirents[i]];
      if (text === undefined || dirent === undefined) throw new Error(`root ${i + 1} is no Dir`);
      await using tree = openLiveTree(shell.session.store, dirent);
      const names = new Set<string>();
      for await (const { name } of tree.list(ROOT_PATH)) names.add(name);
      this.roots.push({ text, names });
    }
  }
}
