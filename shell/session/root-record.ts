import type { Archive, ArchiveEntry, RecordedDir } from '../../core/archive/archive.ts';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import type { ArchiveNotes } from '../../core/archive/archive-notes.ts';
import { hasRoot } from '../../core/archive/has-root.ts';
import { VtError } from '../../core/base/errors.ts';
import type { DirDirent, Dirent } from '../../core/dirent/dirent.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../core/dirent/empty-root.ts';
import type { RecordAs } from '../../core/history/ancestry.ts';
import { parentNote } from '../../core/history/ancestry.ts';
import { STEP, stateAgain, stateNoteOf } from '../../core/history/state-note.ts';
import { capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import type { Authorship } from './authorship.ts';
import type { OpenedSource } from './opened-source.ts';

export interface RootRecordOptions {
  readonly now: () => Date;
  readonly warn: (message: string) => void;
  /** Gives the notes of each recorded root. */
  readonly author: Authorship;
}

/** Roots of Dirrefs share an archive but are unrelated: each is recorded without a parent. */
const ORPHAN = parentNote(undefined);

/** Lines of its own whose times are remembered. Notifications about them come at most a few lines late. */
const MAX_OWN = 64;

/** Merges our root with one that another session recorded. */
type Merge = (base: DirDirent | undefined, theirs: DirDirent) => Promise<DirDirent>;

/** Called before a root is recorded by a line. */
type BeforeLine = (line: Pick<ArchiveLine, 'whenNs' | 'dirent'>) => Promise<void>;

/** Records the roots of one session's tree in archives. Recorded roots are always read from the archive, never remembered. */
export class RootRecord {
  readonly #source: Pick<OpenedSource, 'archive' | 'host' | 'keptIn' | 'mayLackBlocks'>;
  readonly #store: Store;
  readonly #options: RootRecordOptions;
  /** The root from which the session's tree started, or its last recorded root. */
  #base: Dirent | undefined;
  /** The newest root of the archive when the base was last found in it. */
  #foundBeside: string | undefined;
  #mayLackBlocks: boolean;
  #recorded = 0;
  /** The times of the last lines that it appended. */
  readonly #own = new Set<bigint>();

  constructor(source: OpenedSource, options: RootRecordOptions) {
    this.#source = source;
    this.#store = source.store;
    this.#options = options;
    this.#base = source.base;
    this.#mayLackBlocks = source.mayLackBlocks === true;
  }

  /** The number of lines that it appended. */
  get recorded(): number {
    return this.#recorded;
  }

  get base(): Dirent | undefined {
    return this.#base;
  }

  /** The base as a Dir; undefined for the empty tree, or if it is not a Dir. */
  get baseDir(): DirDirent | undefined {
    return this.#base?.kind === 'dir' ? this.#base : undefined;
  }

  /** Whether a root equals the base; without a base, whether it is empty. */
  isBase(root: Dirent): boolean {
    return formatDirent(root) === formatDirent(this.#base ?? EMPTY_ROOT);
  }

  /** Whether it recently appended an entry, or the entry is the base. */
  knows({ whenNs, dirent }: ArchiveEntry): boolean {
    return this.#own.has(whenNs) || this.isBase(dirent);
  }

  /** Notes that the tree now has another root, which the archive has. */
  movedTo(root: Dirent): void {
    this.#base = root;
  }

  /**
   * Whether the archive has the base. After opening a Dirref this is assumed, unless `always` is set.
   *
   * @param always - look in the archive in any case
   */
  async hasBase(signal: AbortSignal | undefined, always = false): Promise<boolean> {
    const { archive, keptIn } = this.#source;
    const base = this.#base;
    if (base === undefined || isEmpty(base) || (this.#mayLackBlocks && !always)) return true;
    const where = archive ?? keptIn;
    if (where === undefined) return true;
    const newest = textOf((await where.last({ signal }))?.dirent);
    if (newest === this.#foundBeside && newest !== undefined) return true;
    if (!(await hasRoot(where, base, { signal }))) return false;
    this.#foundBeside = newest;
    return true;
  }

  /**
   * Appends a root to the archive, merged with roots that other sessions recorded since the base.
   *
   * @param ours - the root; durable in the Store
   * @param merge - merges two roots
   * @param options.as - how to record it, even if it is the newest already
   * @param options.before - called with the line that records it: the one to be appended, or the newest
   * @returns the recorded root, which is the new base
   */
  async append(
    ours: DirDirent,
    merge: Merge,
    {
      as,
      signal,
      before,
    }: { readonly as?: RecordAs | undefined; readonly signal?: AbortSignal | undefined; readonly before?: BeforeLine | undefined },
  ): Promise<DirDirent> {
    const { archive, keptIn } = this.#source;
    let root = ours;
    if (!(await this.#isReadable(ours, signal))) {
      this.#options.warn(
        'sync: this root is not recorded, because Blocks that describe its tree are missing or damaged: pull them, or gc removes the Blocks that are here',
      );
    } else {
      if (archive !== undefined) {
        const base = textOf(this.#base);
        const decide = async (last: ArchiveEntry | undefined): Promise<ArchiveLine | undefined> => {
          const newest = textOf(last?.dirent);
          root =
            last === undefined || newest === base || newest === formatDirent(ours)
              ? ours
              : await merge(this.baseDir, requireDir(last.dirent));
          const isState = as?.state !== undefined && formatDirent(root) === formatDirent(as.state.dirent);
          const isNewest = !isState && formatDirent(root) === newest && as === undefined;
          const line = isNewest ? undefined : isState ? as.state : this.#line(root, last, new Map([...STEP, ...(as?.notes ?? [])]));
          const recording = line ?? last;
          if (recording !== undefined) await before?.(recording);
          return line;
        };
        await this.#append(archive, decide, signal);
      }
      const kept = root;
      if (keptIn !== undefined)
        await this.#append(
          keptIn,
          async (last) => await Promise.resolve(textOf(last?.dirent) === formatDirent(kept) ? undefined : this.#line(kept, last, ORPHAN)),
          signal,
        );
      this.#mayLackBlocks = false;
    }
    this.#base = root;
    return root;
  }

  /**
   * Records a root in place of the newest one, whatever the base is.
   *
   * @param action - for messages
   * @param target - the root, with its time
   * @param newest - the newest entry that the caller knows
   * @param show - changes the tree to it
   * @throws {VtError} EFAILED if another session recorded a root after `newest`
   */
  async replace(
    action: string,
    target: RecordedDir,
    newest: ArchiveLine | undefined,
    show: () => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { archive } = this.#source;
    if (archive === undefined) throw new VtError('EFAILED', `${action}: this tree has no archive`);
    const decide = async (last: ArchiveEntry | undefined): Promise<ArchiveLine | undefined> => {
      if (textOf(last?.dirent) !== textOf(newest?.dirent) || last?.whenNs !== newest?.whenNs)
        throw new VtError('EFAILED', `${action}: another session recorded root ${last?.number ?? 0} meanwhile`, {
          remedy: `see log, then ${action} again`,
        });
      await show();
      return isThatState(last, target) ? undefined : this.#line(target.dirent, last, stateAgain(target.whenNs), action);
    };
    await this.#append(archive, decide, signal);
    this.#base = target.dirent;
  }

  async #append(archive: Archive, decide: Parameters<Archive['append']>[0], signal: AbortSignal | undefined): Promise<void> {
    await capability(this.#store, 'making')?.make();
    const appended = await archive.append(decide, { signal });
    if (appended === undefined) return;
    this.#own.add(appended.whenNs);
    for (const oldest of this.#own) if (this.#own.size > MAX_OWN) this.#own.delete(oldest);
    const { host } = this.#source;
    if (host !== undefined && this.#recorded === 0)
      this.#options.warn(
        `sync: this root is recorded here, but unchanged Blocks may be only at "${host}": repair --from ${host} copies them here`,
      );
    this.#recorded++;
  }

  /**
   * The line of a root. If the clock has not advanced, it is dated after the newest line, since states are identified by their times.
   *
   * @param command - the command that made it, if known
   */
  #line(dirent: Dirent, last: ArchiveEntry | undefined, notes: ArchiveNotes, command?: string): ArchiveLine {
    const nowNs = BigInt(this.#options.now().getTime()) * 1_000_000n;
    const isTaken = last !== undefined && last.whenNs >= nowNs && last.whenNs < nowNs + 1_000_000n;
    const all = new Map([...notes, ...this.#options.author.notes(command)]);
    return { whenNs: isTaken ? last.whenNs + 1n : nowNs, dirent, notes: all };
  }

  /** Whether gc can read a root: after opening a Dirref some Dirs may be missing. */
  async #isReadable(root: DirDirent, signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#mayLackBlocks) return true;
    const { isReadable } = await import('../../core/maintain/is-readable.ts');
    return await isReadable(this.#store, root, { signal });
  }
}

/** Whether an entry is a given state, or a return to it. */
function isThatState(entry: ArchiveLine | undefined, state: RecordedDir): boolean {
  if (entry === undefined || formatDirent(entry.dirent) !== formatDirent(state.dirent)) return false;
  const note = stateNoteOf(entry);
  return entry.whenNs === state.whenNs || (note !== undefined && note !== 'step' && note.againNs === state.whenNs);
}

function isEmpty(root: Dirent): boolean {
  return formatDirent(root) === formatDirent(EMPTY_ROOT);
}

function textOf(dirent: Dirent | undefined): string | undefined {
  return dirent === undefined ? undefined : formatDirent(dirent);
}

/** Narrows a Dirent to a Dir. @throws {VtError} EFAILED if it is not one */
export function requireDir(dirent: Dirent): DirDirent {
  if (dirent.kind !== 'dir') throw new VtError('EFAILED', `sync: the root is a ${dirent.kind}, not a Dir`);
  return dirent;
}
