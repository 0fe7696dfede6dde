import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { findXattrs } from '../base/system/find-xattrs.ts';
import type { Block } from '../block/block.ts';
import { readBlockBytes } from '../block/read-range.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { metaOf } from '../import/import-meta.ts';
import type { TreePath } from '../tree/path.ts';
import { baseName } from '../tree/path.ts';
import { base64, fileOf, type TailMark, type TailState } from './checkpoint.ts';
import { openOrNone } from './rotated-files.ts';
import { statOf } from './stat-of.ts';
import { TailContent } from './tail-content.ts';
import type { TailContext, TailCounts } from './tail-context.ts';
import { type OpenFile, TailFiles } from './tail-files.ts';
import { CHECK_SIZE, type OctetSink, type TailedFile } from './tailed-file.ts';

/** Times that rotated files are looked for again where a file is rotated at that very moment. */
const MAX_TRIES = 20;

/**
 * Follows what is written to one path. Its content is all that was ever written there, one after the other. Rotation by rename or
 * by copy, truncation, removal and replacement change nothing in that. Reading continues where it ended.
 */
export class Tail {
  readonly path: Octets;
  readonly name: TreePath;
  readonly #context: TailContext;
  readonly #files: TailFiles;
  readonly #content: TailContent;
  #dirent: FileDirent | undefined;
  /** As the last mark has it, and as the last recorded root does. */
  #marked: TailState | undefined;
  #recorded: TailState | undefined;
  #isThere = false;
  /** Something was read or seen that the Dirent does not tell. */
  #isStale = false;
  #readBytes = 0;
  #rotations = 0;

  constructor(path: Octets, name: TreePath, context: TailContext) {
    this.path = path;
    this.name = name;
    this.#context = context;
    this.#files = new TailFiles(path, context, (file) => context.isElsewhere(file, this));
    this.#content = new TailContent(path, context);
  }

  /**
   * Continues where a checkpoint says that an earlier process ended.
   *
   * @param recorded - what the tree has of it, if that is another state
   * @throws {MissingBlockError} and {CorruptBlockError} where the content cannot be taken up: this tail is of no use then
   */
  async restore(state: TailState, recorded: TailState | undefined, options: OpOptions): Promise<void> {
    const dirent = fileOf(state);
    await this.#content.takeUp(dirent.block, state, dirent.meta.xattrs, options);
    this.#dirent = dirent;
    this.#recorded = recorded;
    this.#files.restore(state.files, state.done);
  }

  /**
   * As {@link Tail.restore}, by a checkpoint that no checksum vouches for: one of its digits may be another. A file that begins with
   * the content continues there, whatever is said of it.
   *
   * @returns false where what is said of the file that has the path cannot be
   */
  async restoreUnchecked(state: TailState, options: OpOptions): Promise<boolean> {
    await this.restore(state, undefined, options);
    const mark = state.files.at(-1);
    const last = this.#files.last?.file;
    const stat = statOf(this.path);
    if (mark === undefined || mark.offset === 0 || (stat !== undefined && last?.isOf(stat) === true)) return true;
    const file = openOrNone(this.path, this.#context.opener);
    if (file === undefined) return true;
    if (await this.#startsWith(file, fileOf(state).block, options)) {
      this.#files.add(file);
      return true;
    }
    const isLike = file.isLike(mark);
    file.close();
    return !isLike;
  }

  /**
   * Begins the content again with what there still is of the files that a state was read from, each from its start.
   *
   * @returns bytes of that content that no file has any more
   */
  begin(state: TailState): number {
    return this.#files.readAgain([...state.done, ...state.files], fileOf(state).block.span);
  }

  /** Continues where what is stored under its name ends, if that is how the file begins; else the content begins again. */
  async goOnFrom(dirent: FileDirent, options: OpOptions): Promise<void> {
    const { block } = dirent;
    const file = openOrNone(this.path, this.#context.opener);
    if (file === undefined) return;
    if (!(await this.#startsWith(file, block, options))) {
      file.close();
      return;
    }
    await this.#content.takeUp(block, undefined, dirent.meta.xattrs, options);
    this.#dirent = dirent;
    this.#files.add(file);
  }

  /** Whether a file begins with a content, by its first and last bytes; then it continues there. */
  async #startsWith(file: TailedFile, block: Block, options: OpOptions): Promise<boolean> {
    const part = async (offset: number): Promise<Uint8Array> =>
      await readBlockBytes(this.#context.store, { kind: 'sub', base: block, offset, span: Math.min(block.span, CHECK_SIZE) }, options);
    const last = Math.max(0, block.span - CHECK_SIZE);
    return block.span > 0 && file.startsWith(await part(0), await part(last), block.span);
  }

  /** Whether a file has the path, or had it and is still read. */
  has(file: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.#files.has(file);
  }

  /** Whether a file had the path, as far as it can be known again: under its present name it is no news. */
  had(path: Octets, stat: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.#files.had(path, stat);
  }

  /** The Dirent as of the last look; undefined before there was a file. */
  get dirent(): FileDirent | undefined {
    return this.#dirent;
  }

  /** Takes in what is new. @returns whether the Dirent is another */
  async look(options: OpOptions): Promise<boolean> {
    await this.#content.takeUpLost(this.#dirent?.meta.xattrs, options);
    this.#files.wake();
    await this.#readAll(options);
    const stat = statOf(this.path);
    this.#isThere = stat?.isFile() === true;
    if (this.#isThere && stat !== undefined && this.#files.last?.file.isOf(stat) !== true) {
      if (this.#follow()) await this.#readAll(options);
    }
    this.#files.retire(this.#isThere);
    const isNew = this.#update();
    if (this.#isThere) this.#files.rest();
    return isNew;
  }

  /** Adds the Blocks that wait to the Store. */
  async flush(options: OpOptions): Promise<void> {
    await this.#content.flush(options);
  }

  /** What a checkpoint keeps; undefined before there was a file. */
  mark(): TailMark | undefined {
    const point = this.#content.stablePoint;
    if (this.#dirent === undefined || point === undefined) return undefined;
    const { block } = this.#content.lost ?? this.#dirent;
    this.#marked = {
      ...point,
      dirent: formatDirent({ ...this.#dirent, block }),
      files: this.#files.open.map(({ file }) => file.mark),
      done: this.#files.done,
    };
    const recorded = this.#recorded?.dirent === this.#marked.dirent ? undefined : (this.#recorded ?? null);
    return { path: base64(this.path), name: base64(this.name), ...this.#marked, recorded };
  }

  /** A root is recorded that has what the last mark says. */
  noteRecorded(): void {
    // Of much that was taken in part the mark has more than the tree.
    if (this.#content.lost === undefined) this.#recorded = this.#marked;
  }

  counts(): TailCounts {
    return {
      size: this.#content.span,
      newBytes: this.#content.newBytes,
      readBytes: this.#readBytes,
      unreadBytes: this.#files.open.reduce((sum, { file }) => sum + file.unreadBytes(), 0),
      isThere: this.#isThere,
      rotations: this.#rotations,
    };
  }

  close(): void {
    this.#files.close();
  }

  async #readAll(options: OpOptions): Promise<void> {
    for (const open of [...this.#files.open]) if (!open.file.isAtRest) await this.#read(open, options);
  }

  async #read(open: OpenFile, options: OpOptions): Promise<void> {
    const { file } = open;
    const sink = this.#content.sinkOf(file, options);
    for (;;) {
      if (open.sinceNs !== undefined && file.offset === 0 && file.hasChanged()) await this.#readOlder(file, open.sinceNs, sink);
      const look = await file.look(sink);
      if (look === undefined) return;
      this.#readBytes += look.readBytes;
      this.#isStale = true;
      if (look.bytes > 0) open.grewMs = this.#context.monotonicMs();
      if (look.restarted === undefined) {
        open.sinceNs = file.offset > 0 ? undefined : (open.sinceNs ?? look.stat.mtimeNs);
        return;
      }
      this.#rotations++;
      const copy = this.#files.find(look.restarted);
      if (copy !== undefined) await this.#readCopy(copy, sink);
      open.sinceNs = copy === undefined ? look.stat.mtimeNs : copy.lastStat.mtimeNs;
    }
  }

  /** Reads a rotated file to its end, which is all that it will ever have. */
  async #readCopy(copy: TailedFile, sink: OctetSink): Promise<void> {
    try {
      this.#readBytes += (await copy.look(sink))?.readBytes ?? 0;
      this.#files.finish(copy.mark);
    } finally {
      copy.close();
    }
  }

  /**
   * Before a file is read from its start: reads what rotated files have of the time since it was cut short, or since the file before
   * it. It may be rotated at that very moment, too: then once more.
   */
  async #readOlder(file: TailedFile, sinceNs: bigint, sink: OctetSink): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before = file.stat();
      const head = file.firstOctets(CHECK_SIZE);
      // What is newer holds what was written after this.
      for (const copy of this.#files.unseen(sinceNs, before.mtimeNs, file)) await this.#readCopy(copy, sink);
      const now = file.stat();
      const isSame = now.size >= before.size && head.equals(file.firstOctets(head.length));
      if (isSame && (head.length > 0 || now.mtimeNs === before.mtimeNs)) return;
    }
  }

  /** Continues with the file that has the path now. @returns whether there is one */
  #follow(): boolean {
    const found = this.#files.follow();
    if (found === 'other') {
      if (this.#dirent !== undefined) this.#rotations++;
      this.#isStale = true;
    }
    return found !== 'none';
  }

  /** Makes the Dirent of what there is. @returns whether it is another than before */
  #update(): boolean {
    const file = this.#files.last?.file;
    if (file === undefined || !this.#isStale) return false;
    this.#isStale = false;
    const dirent: FileDirent = {
      kind: 'file',
      name: baseName(this.name),
      meta: metaOf(file.lastStat, this.#context.owners, findXattrs(file.fd).xattrs),
      block: this.#content.blockOf(file),
    };
    if (this.#dirent !== undefined && formatDirent(dirent) === formatDirent(this.#dirent)) return false;
    this.#dirent = dirent;
    return true;
  }
}
