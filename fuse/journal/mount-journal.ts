import { randomUUID } from 'node:crypto';
import type { ArchiveLine } from '../../core/archive/archive-line.ts';
import type { BlockSource } from '../../core/block/block-source.ts';
import { readBlockRange } from '../../core/block/read-range.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import type { JournalFile, StoreJournals } from '../../core/store/journals.ts';
import type { LiveDir, LiveLeaf } from '../../core/tree/live/live-node.ts';
import type { ChangeLog, NodeChange } from '../../core/tree/live/node-change.ts';
import { nodePath } from '../../core/tree/live/node-change.ts';
import type { FileClock } from '../live/file-clock.ts';
import type { Inode, InodeTable } from '../live/inode-table.ts';
import type { ContentChange, ContentRange, JournalChange, JournalRecord, RootMark } from './journal-records.ts';
import { encodeJournalRecord } from './journal-records.ts';

/** Octets of contents in one record, at most. For more, a root is recorded, which hashes and deduplicates them only once. */
const MAX_CONTENT = 4 * 1024 * 1024;
/** Changes that wait for an fsync, at most. With more, a root is recorded. */
const MAX_QUEUED = 4096;
/** Octets of a journal after which a root is recorded in the background, and octets after which clients wait for that root. */
const ROOT_SIZE = 32 * 1024 * 1024;
const MAX_SIZE = 256 * 1024 * 1024;

/** What a journal needs of its mount. */
export interface JournaledMount {
  readonly store: BlockSource;
  readonly inodes: InodeTable;
  /** Sets the time of the last write in the Dirent. */
  settleTime(inode: Inode): void;
  readonly options: {
    readonly clock: FileClock;
    readonly syncTree: () => Promise<void>;
    readonly onTrouble: (error: unknown) => void;
  };
}

export interface MountJournalOptions {
  /** Name of the archive in which the tree's roots are recorded. */
  readonly archive: string;
  /** The Store's place for journals; undefined while it has none. */
  readonly journals: () => StoreJournals | undefined;
}

/** A part of the journal, from one root to the next. */
interface Part {
  readonly number: number;
  /** The root that it continues from; undefined: it continues the part before. */
  base: DirDirent | undefined;
  /** Absent until the first sync. */
  file: JournalFile | undefined;
  /** Changes not written to the file yet. */
  queued: JournalChange[];
  /** A change is missing from it: later changes cannot be applied. */
  isLost: boolean;
  /** The root that includes the whole part, once it is about to be recorded. */
  mark: RootMark | undefined;
}

/** What has changed since the last root began, and what changed before a root that is being stored. */
interface Generations<T> {
  now: Set<T>;
  before: Set<T>;
}

/**
 * The journal of a mounted live tree: it holds synced changes until a recorded root includes them. @see docs/design/mount-journal.md
 *
 * The last part takes new changes. Earlier parts hold the changes of a root that is being stored, and are removed once it is recorded.
 */
export class MountJournal implements ChangeLog {
  readonly #options: MountJournalOptions;
  readonly #mount: JournaledMount;
  readonly #id = randomUUID();
  #parts: Part[] = [newPart(1)];
  /** Changed files whose fronts were released: by id, as their nodes may be forgotten. */
  readonly #stale: Generations<number> = { now: new Set(), before: new Set() };
  /** Files that replaced others by a rename: after a crash such a name has one content or the other. */
  readonly #renamed: Generations<LiveLeaf> = { now: new Set(), before: new Set() };
  #turn: Promise<unknown> = Promise.resolve();
  #rooting: Promise<void> | undefined;

  constructor(mount: JournaledMount, options: MountJournalOptions) {
    this.#mount = mount;
    this.#options = options;
    // The journal has no base until a root of the tree is recorded.
    this.lose();
  }

  note(change: NodeChange, nowNs: bigint, node: LiveDir | LiveLeaf): void {
    const part = this.#part;
    if (part.isLost) return;
    if (part.queued.length >= MAX_QUEUED) {
      this.lose();
      return;
    }
    part.queued.push({ ...change, nowNs });
    if (change.kind === 'rename' && node.sort === 'leaf') this.#renamed.now.add(node);
  }

  lose(): void {
    const part = this.#part;
    part.isLost = true;
    part.queued = [];
  }

  get isEmpty(): boolean {
    return this.#parts.every(({ file }) => file === undefined);
  }

  rootBegins(): void {
    const { number } = this.#part;
    // An earlier root could not be recorded: the parts in memory are from too many moments.
    if (this.#parts.length > 1) this.lose();
    this.#parts.push(newPart(number + 1));
    for (const { front } of this.#mount.inodes.all()) front?.unlogged?.rootBegins();
    for (const each of [this.#stale, this.#renamed] as Generations<unknown>[]) {
      each.before = each.now;
      each.now = new Set();
    }
  }

  async rootFollows(ours: DirDirent, line: Pick<ArchiveLine, 'whenNs' | 'dirent'>): Promise<void> {
    await this.#inTurn(async () => {
      const last = this.#parts.at(-2);
      if (last === undefined) return;
      last.mark = { ours, whenNs: line.whenNs, recorded: line.dirent };
      const before = this.#parts.slice(0, -1);
      if (before.every(({ file }) => file === undefined)) return;
      if (last.file === undefined) this.#begin(last);
      else this.#append(last.file, { kind: 'root', ...last.mark });
      await last.file?.sync();
    });
  }

  async rootRecorded(ours: DirDirent): Promise<void> {
    await this.#inTurn(async () => {
      const part = this.#part;
      const before = this.#parts.slice(0, -1);
      if (before.length === 0) return;
      if (!(await this.#canGoOn(part, ours))) return;
      part.base = ours;
      this.#parts = [part];
      for (const { front } of this.#mount.inodes.all()) front?.unlogged?.rootRecorded();
      this.#stale.before.clear();
      this.#renamed.before.clear();
      for (const { file } of before) await file?.remove().catch(this.#mount.options.onTrouble);
    });
  }

  /** Ends the journal after everything is recorded. No changes may follow. */
  async end(): Promise<void> {
    await this.#inTurn(async () => {
      for (const { file } of this.#parts) await file?.remove();
    });
  }

  /** Leaves unrecorded changes to a later recovery. */
  async leave(): Promise<void> {
    await this.#inTurn(async () => {
      for (const { file } of this.#parts) await file?.close();
    });
  }

  /** A file releases its front: its content is in Blocks. */
  frontCloses({ node, front }: Inode): void {
    if (front?.unlogged?.isEmpty === false) this.#stale.now.add(node.id);
  }

  /** Whether a file's content is durable though its front has yet to be stored. */
  holds({ front }: Inode): boolean {
    return front?.unlogged?.isEmpty === true && !front.isSettled;
  }

  /** Whether the content of a file that gets a front differs from the journal's. */
  isStale({ id }: LiveLeaf): boolean {
    return this.#stale.now.has(id) || this.#stale.before.has(id);
  }

  /**
   * Makes a file durable, together with all earlier changes of names.
   *
   * @param inode - undefined: only the names
   * @returns false if that failed and a root has to be recorded
   */
  async keep(inode: Inode | undefined): Promise<boolean> {
    try {
      const files = await this.#inTurn(() => this.#write(inode));
      for (const file of files ?? []) await file.sync();
      return files !== undefined;
    } catch {
      // The disk is full or damaged: the callers that wait for the root get the error.
      this.lose();
      return false;
    }
  }

  get #part(): Part {
    const part = this.#parts.at(-1);
    if (part === undefined) throw new Error('a journal has a part');
    return part;
  }

  get #isWhole(): boolean {
    return this.#parts[0]?.base !== undefined && this.#parts.every(({ isLost }) => !isLost);
  }

  /** Writes the changes. @returns the files to be synced, the oldest first; undefined if a root is needed */
  async #write(inode: Inode | undefined): Promise<JournalFile[] | undefined> {
    if (!this.#isWhole || this.#options.journals() === undefined) return undefined;
    const part = this.#part;
    const parts = this.#parts;
    const size = parts.reduce((sum, { file }) => sum + (file?.size ?? 0), 0);
    if (size > ROOT_SIZE) this.#makeRoot();
    if (size > MAX_SIZE) return undefined;
    const nodes = new Set<Inode['node']>([...this.#renamed.before, ...this.#renamed.now]);
    if (inode !== undefined) nodes.add(inode.node);
    const contents = [...nodes].map((node) => this.#contentOf(node)).filter((content) => content !== undefined);
    if (contents.reduce((sum, { octets }) => sum + octets, 0) > MAX_CONTENT || contents.some(({ path }) => path === undefined))
      return undefined;
    const { queued } = part;
    part.queued = [];
    this.#renamed.before.clear();
    this.#renamed.now.clear();
    const changes: JournalChange[] = [...queued];
    // Data written meanwhile is for the next call.
    for (const content of contents) content.told();
    for (const content of contents) changes.push(await content.read());
    for (const each of parts) {
      const mine = each === part ? changes : each.queued;
      if (each !== part) each.queued = [];
      if (mine.length === 0) continue;
      for (const other of parts) if (other.number <= each.number && other.file === undefined) this.#begin(other);
      if (each.file !== undefined) this.#append(each.file, { kind: 'changes', changes: mine });
    }
    return parts.flatMap(({ file }) => file ?? []);
  }

  #contentOf(node: Inode['node']): Content | undefined {
    const known = this.#mount.inodes.of(node);
    if (known !== undefined) this.#mount.settleTime(known);
    if (node.sort === 'dir' || node.dirent.kind !== 'file') return undefined;
    const path = nodePath(node);
    // The file has no name left, so a crash loses it anyway.
    if (path === 'none') return undefined;
    const front = known?.front;
    if (front === undefined && !this.isStale(node)) return undefined;
    const content = front ?? { size: node.dirent.block.span, read: (start: number, end: number) => this.#read(node, start, end) };
    const { size } = content;
    const { minSize, ranges } = front?.unlogged?.parts() ?? { minSize: 0, ranges: [{ start: 0, end: size }] };
    if (front?.unlogged?.isEmpty === true) return undefined;
    const within = ranges.map(({ start, end }) => ({ start, end: Math.min(end, size) })).filter(({ start, end }) => start < end);
    const { meta } = node.dirent;
    const nowNs = this.#mount.options.clock.nowNs();
    return {
      path,
      octets: within.reduce((sum, { start, end }) => sum + end - start, 0),
      told: () => {
        front?.unlogged?.clear();
        this.#stale.before.delete(node.id);
        this.#stale.now.delete(node.id);
      },
      async read() {
        const read: ContentRange[] = [];
        for (const { start, end } of within) {
          const pieces: Uint8Array[] = [];
          for await (const piece of content.read(start, end)) pieces.push(piece);
          const [only, second] = pieces;
          read.push({ start, data: only !== undefined && second === undefined ? only : Buffer.concat(pieces) });
        }
        return {
          kind: 'content',
          nowNs,
          path: path ?? ('' as ContentChange['path']),
          meta,
          minSize: Math.min(minSize, size),
          size,
          ranges: read,
        };
      },
    };
  }

  #read(node: LiveLeaf, start: number, end: number): AsyncIterable<Uint8Array> {
    if (node.dirent.kind !== 'file') throw new Error('read: not a file');
    return readBlockRange(this.#mount.store, node.dirent.block, { start, end });
  }

  /** Makes a part independent of those before it. If that fails, they stay until the next root. */
  async #canGoOn({ file }: Part, root: DirDirent): Promise<boolean> {
    if (file === undefined) return true;
    try {
      this.#append(file, { kind: 'base', root });
      await file.sync();
      return true;
    } catch {
      this.lose();
      return false;
    }
  }

  /** Creates the file of a part. */
  #begin(part: Part): void {
    const journals = this.#options.journals();
    if (journals === undefined) throw new Error('there is no place for a journal');
    part.file = journals.begin(this.#id, part.number);
    this.#append(part.file, { kind: 'start', archive: this.#options.archive });
    if (part.base !== undefined) this.#append(part.file, { kind: 'base', root: part.base });
    if (part.mark !== undefined) this.#append(part.file, { kind: 'root', ...part.mark });
  }

  #append(file: JournalFile, record: JournalRecord): void {
    file.append(encodeJournalRecord(record));
  }

  #makeRoot(): void {
    this.#rooting ??= this.#mount.options
      .syncTree()
      .catch((error: unknown) => this.#mount.options.onTrouble(error))
      .finally(() => {
        this.#rooting = undefined;
      });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return await done;
  }
}

/** Content of a file that is not in the journal yet. */
interface Content {
  readonly path: ContentChange['path'] | undefined;
  readonly octets: number;
  /** Called when the changes so far are about to be read. */
  readonly told: () => void;
  readonly read: () => Promise<JournalChange>;
}

function newPart(number: number): Part {
  return { number, base: undefined, file: undefined, queued: [], isLost: false, mark: undefined };
}
