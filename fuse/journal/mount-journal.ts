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

/** Bytes of contents in one record, at most: of more a root is made, whose Blocks hash and deduplicate them once for all. */
const MAX_CONTENT = 4 * 1024 * 1024;
/** Changes that wait for somebody to sync, at most: then a root holds them, too. */
const MAX_QUEUED = 4096;
/** Bytes of a journal after which a root is made behind the clients' backs, and those after which they wait for it. */
const ROOT_SIZE = 32 * 1024 * 1024;
const MAX_SIZE = 256 * 1024 * 1024;

/** What a journal knows about its mount. */
export interface JournaledMount {
  readonly store: BlockSource;
  readonly inodes: InodeTable;
  /** Puts the time of the last write into the Dirent. */
  settleTime(inode: Inode): void;
  readonly options: {
    readonly clock: FileClock;
    readonly syncTree: () => Promise<void>;
    readonly onTrouble: (error: unknown) => void;
  };
}

export interface MountJournalOptions {
  /** Where the roots of the tree are recorded. */
  readonly archive: string;
  /** The Store's place for journals, as soon as it has one. */
  readonly journals: () => StoreJournals | undefined;
}

/** A part of the journal, from one root to the next. */
interface Part {
  readonly number: number;
  /** What it continues from; undefined: from the part before. */
  base: DirDirent | undefined;
  /** Absent until somebody syncs. */
  file: JournalFile | undefined;
  /** What is not in the file yet. */
  queued: JournalChange[];
  /** Something happened that it does not hold: no later change can be understood. */
  isLost: boolean;
  /** The root that holds all up to its end, once it is about to be recorded. */
  mark: RootMark | undefined;
}

/** What has changed since a root, and before a root that is in progress. */
interface Generations<T> {
  now: Set<T>;
  before: Set<T>;
}

/**
 * The journal of a live tree that is mounted: what was synced is in it until a root is recorded that has it. @see docs/design/mount-journal.md
 *
 * The last part takes what happens now. Those before it hold what a root has that is in progress; they go once it is recorded.
 */
export class MountJournal implements ChangeLog {
  readonly #options: MountJournalOptions;
  readonly #mount: JournaledMount;
  readonly #id = randomUUID();
  #parts: Part[] = [newPart(1)];
  /** Files that changed and whose fronts are gone: by id, as their nodes may be forgotten. */
  readonly #stale: Generations<number> = { now: new Set(), before: new Set() };
  /** Files that have taken the names of others: after a crash such a name has one content or the other. */
  readonly #renamed: Generations<LiveLeaf> = { now: new Set(), before: new Set() };
  #turn: Promise<unknown> = Promise.resolve();
  #rooting: Promise<void> | undefined;

  constructor(mount: JournaledMount, options: MountJournalOptions) {
    this.#mount = mount;
    this.#options = options;
    // Nothing is known of the tree until a root of it is recorded.
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
    // A root before could not be recorded: then what is in memory is of too many moments.
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

  /** All is recorded, and nobody changes anything any more. */
  async end(): Promise<void> {
    await this.#inTurn(async () => {
      for (const { file } of this.#parts) await file?.remove();
    });
  }

  /** Unrecorded changes are left to a recovery. */
  async leave(): Promise<void> {
    await this.#inTurn(async () => {
      for (const { file } of this.#parts) await file?.close();
    });
  }

  /** A file gives up its front: its content is in Blocks. */
  frontCloses({ node, front }: Inode): void {
    if (front?.unlogged?.isEmpty === false) this.#stale.now.add(node.id);
  }

  /** Whether a file's content is durable though its front has yet to be stored. */
  holds({ front }: Inode): boolean {
    return front?.unlogged?.isEmpty === true && !front.isSettled;
  }

  /** Whether a file that gets a front is another than the journal says. */
  isStale({ id }: LiveLeaf): boolean {
    return this.#stale.now.has(id) || this.#stale.before.has(id);
  }

  /**
   * Makes a file durable, with the names that it needs, which are all that changed before.
   *
   * @param inode - undefined: the names alone
   * @returns false where it could not, and a root has to be recorded
   */
  async keep(inode: Inode | undefined): Promise<boolean> {
    try {
      const files = await this.#inTurn(() => this.#write(inode));
      for (const file of files ?? []) await file.sync();
      return files !== undefined;
    } catch {
      // A full disk, or a broken one: the callers that wait for the root get the error.
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

  /** Writes what has changed. @returns the files to be synced, the oldest first; undefined where a root is needed */
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
    // What is written meanwhile is for the next time.
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
    // Nobody finds it after a crash.
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
          for await (const piece of content.read(start, end)) pieces.push(Uint8Array.from(piece));
          read.push({ start, data: Buffer.concat(pieces) });
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

  /** Lets a part stand by itself. Where that fails, those before it stay until the next root. */
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

  /** Makes the file of a part. */
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

/** The content of a file that a journal does not know yet. */
interface Content {
  readonly path: ContentChange['path'] | undefined;
  readonly octets: number;
  /** What has changed so far is about to be read. */
  readonly told: () => void;
  readonly read: () => Promise<JournalChange>;
}

function newPart(number: number): Part {
  return { number, base: undefined, file: undefined, queued: [], isLost: false, mark: undefined };
}
