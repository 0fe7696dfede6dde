import { constants, fstatSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import { EventTurns } from '../base/event-turns.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { cName } from '../base/system/at-calls.ts';
import { atCalls } from '../base/system/choose-at-calls.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import { fileType, isSameNode } from '../base/system/node-stat.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { BlockSource } from '../block/block-source.ts';
import { readDir } from '../dirent/dir-codec.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import { LocalDescent } from '../tree/local/local-descent.ts';
import { localNode } from '../tree/local/local-node.ts';
import { isAtWork } from './temporary-names.ts';

export interface ExtraneousOptions {
  readonly signal?: AbortSignal | undefined;
  /** Remove the names; else they are only reported. */
  readonly remove: boolean;
  /** The rules at the top. Excluded names are kept, with everything below. */
  readonly filter?: DirFilter | undefined;
  /** Whether a directory is the Store's own, which is kept. */
  readonly isStoreFolder?: ((directory: Pick<NodeStat, 'dev' | 'ino'>) => boolean) | undefined;
  /** Called with each name to remove. The contents of a directory come before the directory. */
  readonly onName?: ((path: Octets, isDir: boolean) => void) | undefined;
  /** Called with each name that cannot be removed. The others are still removed. */
  readonly onFailure?: ((path: Octets, error: unknown) => void) | undefined;
  /** Called with each directory that is kept though the tree lacks it, and the reason. */
  readonly onWarning?: ((path: Octets, what: string) => void) | undefined;
}

/** A directory on the walk's path. */
interface Level {
  readonly name: Octets;
  /** Names still to visit. */
  readonly names: Octets[];
  /** The names in the stored Dir, with true for Dirs; undefined if the tree has no such Dir. */
  readonly stored: ReadonlyMap<Octets, boolean> | undefined;
  readonly blocks: ReadonlyMap<Octets, DirDirent>;
  readonly filter: DirFilter | undefined;
  /** Something in it is kept, so the directory is, too. */
  isKept: boolean;
}

/**
 * Finds, and on request removes, local names below a directory that a stored Dir lacks. A name also counts if it is a directory and the
 * stored entry is not, or the reverse. Symlinks are not followed, and other filesystems are not entered. Excluded names are kept, with
 * the directories above them, as with rsync's `--delete`.
 *
 * @param target - an absolute local path; if it is not a directory, nothing is done
 * @returns the number of names
 * @throws {VtError} EFAILED if the target is replaced meanwhile; the source's error if a Dir cannot be read, as its names are then unknown
 */
export async function extraneousNames(source: BlockSource, dir: DirDirent, target: Octets, options: ExtraneousOptions): Promise<number> {
  const top = localNode(target);
  if (top?.kind !== 'dir') return 0;
  using place = new LocalDescent(target);
  const opened = fstatSync(place.fd, { bigint: true });
  if (!isSameNode(opened, top.stat)) throw new VtError('EFAILED', `remove below "${octetsToText(target)}": it was replaced meanwhile`);
  const walk = new ExtraneousWalk(source, place, opened.dev, options);
  await walk.run(dir);
  return walk.count;
}

class ExtraneousWalk {
  readonly #source: BlockSource;
  readonly #place: LocalDescent;
  readonly #dev: bigint;
  readonly #options: ExtraneousOptions;
  readonly #levels: Level[] = [];
  count = 0;

  constructor(source: BlockSource, place: LocalDescent, dev: bigint, options: ExtraneousOptions) {
    this.#source = source;
    this.#place = place;
    this.#dev = dev;
    this.#options = options;
  }

  async run(top: DirDirent): Promise<void> {
    const turns = new EventTurns();
    this.#levels.push(await this.#level('' as Octets, top, this.#options.filter));
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      await turns.next(this.#options.signal);
      const name = level.names.pop();
      if (name === undefined) this.#leave(level);
      else await this.#visit(level, name);
    }
  }

  async #level(name: Octets, stored: DirDirent | undefined, filter: DirFilter | undefined): Promise<Level> {
    const names = this.#place.names();
    if (stored === undefined) return { name, names, stored: undefined, blocks: NO_DIRS, filter, isKept: false };
    const found = new Map<Octets, boolean>();
    const blocks = new Map<Octets, DirDirent>();
    for await (const dirent of readDir(this.#source, stored.block, this.#options)) {
      found.set(dirent.name, dirent.kind === 'dir');
      if (dirent.kind === 'dir') blocks.set(dirent.name, dirent);
    }
    return { name, names, stored: found, blocks, filter, isKept: false };
  }

  async #visit(level: Level, name: Octets): Promise<void> {
    const stat = atCalls().stat(this.#place.fd, cName(name));
    if (stat === undefined) return;
    const isDir = fileType(stat) === constants.S_IFDIR;
    const isStored = level.stored?.get(name) === isDir;
    if (isStored && !isDir) return;
    if (level.filter?.excludes(name, isDir) === true || (!isDir && isAtWork(name))) level.isKept = true;
    else if (!isDir) this.#remove(level, name, false);
    else if (this.#staysAsIs(name, stat)) level.isKept = true;
    else await this.#enter(level, name, isStored ? level.blocks.get(name) : undefined);
  }

  #staysAsIs(name: Octets, stat: NodeStat): boolean {
    const what =
      this.#options.isStoreFolder?.(stat) === true
        ? "left alone: the Store's own directory"
        : stat.dev === this.#dev
          ? undefined
          : 'left alone: another filesystem is mounted there';
    if (what !== undefined) this.#options.onWarning?.(this.#place.pathOf(name), what);
    return what !== undefined;
  }

  async #enter(level: Level, name: Octets, stored: DirDirent | undefined): Promise<void> {
    try {
      this.#place.enter(name);
    } catch (error) {
      this.#fail(level, name, error);
      return;
    }
    this.#levels.push(await this.#level(name, stored, level.filter?.enter(name)));
  }

  #leave({ name, stored, isKept }: Level): void {
    this.#levels.pop();
    const above = this.#levels.at(-1);
    if (above === undefined) return;
    this.#place.leave();
    if (isKept) above.isKept = true;
    else if (stored === undefined) this.#remove(above, name, true);
  }

  #remove(level: Level, name: Octets, isDir: boolean): void {
    try {
      if (this.#options.remove) {
        if (isDir) atCalls().rmdir(this.#place.fd, cName(name));
        else atCalls().unlink(this.#place.fd, cName(name));
      }
      this.count++;
      this.#options.onName?.(this.#place.pathOf(name), isDir);
    } catch (error) {
      this.#fail(level, name, error);
    }
  }

  #fail(level: Level, name: Octets, error: unknown): void {
    if (errorCode(error) === undefined) throw error;
    level.isKept = true;
    this.#options.onFailure?.(this.#place.pathOf(name), error);
  }
}

const NO_DIRS: ReadonlyMap<Octets, DirDirent> = new Map();
