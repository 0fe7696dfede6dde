import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { findXattrs } from '../base/system/find-xattrs.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { Block } from '../block/block.ts';
import { readBlockBytes } from '../block/read-range.ts';
import type { FileDirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import { metaOf } from '../import/import-meta.ts';
import type { TreePath } from '../tree/path.ts';
import { baseName } from '../tree/path.ts';
import { base64, fileOf, type TailMark, type TailState } from './checkpoint.ts';
import { findMarked, openOrNone, openRotated } from './rotated-files.ts';
import { statOf } from './stat-of.ts';
import { TailContent } from './tail-content.ts';
import type { TailContext, TailCounts } from './tail-context.ts';
import type { FileMark } from './tailed-file.ts';
import { CHECK_SIZE, type OctetSink, TailedFile } from './tailed-file.ts';

/** A file that lost its path is kept open until nothing was written to it for so long: milliseconds. */
const FORMER_MS = 60_000;

/** A file that has its path is closed where nothing was written to it for so long: milliseconds. */
const REST_MS = 5000;

/** Files remembered that had the path and are read to their end. */
const MAX_DONE = 64;

/** Times that rotated files are looked for anew where a file is rotated at that very moment. */
const MAX_TRIES = 20;

interface OpenFile {
  readonly file: TailedFile;
  grewMs: number;
  /** Of a file that nothing was read of: rotated files that were changed after this come before it. */
  sinceNs?: bigint | undefined;
}

/**
 * Follows what is written to one path. Its content is all that was ever written there, one after the other. Rotation by rename or
 * by copy, truncation, removal and replacement change nothing in that. Reading goes on where it ended.
 */
export class Tail {
  readonly path: Octets;
  readonly name: TreePath;
  readonly #context: TailContext;
  /** Oldest first; the last has the path, or had it last. */
  #files: OpenFile[] = [];
  #done: FileMark[] = [];
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
    this.#content = new TailContent(path, context);
  }

  /**
   * Goes on where a checkpoint says that an earlier process ended.
   *
   * @param recorded - what the tree has of it, if that is another state
   * @throws {MissingBlockError} and {CorruptBlockError} where the content cannot be taken up: this tail is of no use then
   */
  async restore(state: TailState, recorded: TailState | undefined, options: OpOptions): Promise<void> {
    const dirent = fileOf(state);
    await this.#content.takeUp(dirent.block, state, dirent.meta.xattrs, options);
    this.#dirent = dirent;
    this.#recorded = recorded;
    this.#done = [...state.done];
    for (const each of state.files) {
      // Of a file that nothing was read of nobody can tell whether it was copied and cut short meanwhile: the next look goes through what is beside it.
      const isBlank = each.offset === 0 && each === state.files.at(-1);
      const file = isBlank ? undefined : findMarked(this.path, each, this.#context.opener, (found) => this.has(found));
      if (file === undefined) this.#finish(each);
      else this.#files.push({ file, grewMs: this.#context.monotonicMs() });
    }
  }

  /**
   * As {@link Tail.restore}, by a checkpoint that no checksum vouches for: one of its digits may be another. A file that begins with
   * the content goes on there, whatever is said of it.
   *
   * @returns false where what is said of the file that has the path cannot be
   */
  async restoreUnchecked(state: TailState, options: OpOptions): Promise<boolean> {
    await this.restore(state, undefined, options);
    const mark = state.files.at(-1);
    const last = this.#files.at(-1)?.file;
    const stat = statOf(this.path);
    if (mark === undefined || mark.offset === 0 || (stat !== undefined && last?.isOf(stat) === true)) return true;
    const file = openOrNone(this.path, this.#context.opener);
    if (file === undefined) return true;
    if (await this.#startsWith(file, fileOf(state).block, options)) {
      this.#files.push({ file, grewMs: this.#context.monotonicMs() });
      return true;
    }
    const isLike = file.isLike(mark);
    file.close();
    return !isLike;
  }

  /**
   * Begins the content anew with what there still is of the files that a state was read from, each from its start.
   *
   * @returns octets of that content that no file has any more
   */
  begin(state: TailState): number {
    let left = fileOf(state).block.span;
    const found: OpenFile[] = [];
    // The newest first: a file that was written anew has what older ones had.
    for (const mark of [...state.done, ...state.files].reverse()) {
      const file =
        mark.offset === 0 || mark.offset > left
          ? undefined
          : findMarked(this.path, mark, this.#context.opener, (each) => found.some((other) => other.file.isOf(each)));
      if (file === undefined) continue;
      left -= mark.offset;
      file.readAgain();
      found.unshift({ file, grewMs: this.#context.monotonicMs() });
    }
    this.#files = found;
    return left;
  }

  /** Goes on where what is stored under its name ends, if that is how the file begins; else the content begins anew. */
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
    this.#files.push({ file, grewMs: this.#context.monotonicMs() });
  }

  /** Whether a file begins with a content, by its first and last octets; then it goes on there. */
  async #startsWith(file: TailedFile, block: Block, options: OpOptions): Promise<boolean> {
    const part = async (offset: number): Promise<Uint8Array> =>
      await readBlockBytes(this.#context.store, { kind: 'sub', base: block, offset, span: Math.min(block.span, CHECK_SIZE) }, options);
    const last = Math.max(0, block.span - CHECK_SIZE);
    return block.span > 0 && file.startsWith(await part(0), await part(last), block.span);
  }

  /** Whether a file has the path, or had it and is still read. */
  has(file: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.#files.some((each) => each.file.isOf(file));
  }

  /** Whether a file had the path, as far as it can be known again: under its present name it is no news. */
  had(path: Octets, stat: { readonly dev: bigint; readonly ino: bigint }): boolean {
    if (this.has(stat)) {
      const current = this.#files.at(-1)?.file;
      const now = statOf(this.path);
      return current?.isOf(stat) !== true || now === undefined || !current.isOf(now);
    }
    const marks = this.#done.filter(({ ino, offset }) => offset > 0 && ino === stat.ino.toString());
    if (marks.length === 0) return false;
    const file = openOrNone(path, this.#context.opener);
    const isKnown = file !== undefined && marks.some((mark) => file.resume(mark));
    file?.close();
    return isKnown;
  }

  /** The Dirent as of the last look; undefined before there was a file. */
  get dirent(): FileDirent | undefined {
    return this.#dirent;
  }

  /** Takes in what is new. @returns whether the Dirent is another */
  async look(options: OpOptions): Promise<boolean> {
    await this.#content.takeUpLost(this.#dirent?.meta.xattrs, options);
    this.#wake();
    await this.#readAll(options);
    const stat = statOf(this.path);
    this.#isThere = stat?.isFile() === true;
    if (this.#isThere && stat !== undefined && this.#files.at(-1)?.file.isOf(stat) !== true) {
      if (this.#follow()) await this.#readAll(options);
    }
    this.#retire();
    const isNew = this.#update();
    this.#rest();
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
      files: this.#files.map(({ file }) => file.mark),
      done: this.#done,
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
      unreadBytes: this.#files.reduce((sum, { file }) => sum + file.unreadBytes(), 0),
      isThere: this.#isThere,
      rotations: this.#rotations,
    };
  }

  close(): void {
    for (const { file } of this.#files) file.close();
    this.#files = [];
  }

  async #readAll(options: OpOptions): Promise<void> {
    for (const open of [...this.#files]) if (!open.file.isAtRest) await this.#read(open, options);
  }

  /** Closes the file that has the path where nothing happens to it: an open one would keep its filesystem from being unmounted. */
  #rest(): void {
    const last = this.#files.at(-1);
    if (last !== undefined && this.#isThere && this.#context.monotonicMs() - last.grewMs > REST_MS) last.file.rest();
  }

  /** Opens the file at rest again if something happened to it, wherever it is now. */
  #wake(): void {
    const last = this.#files.at(-1);
    if (last?.file.isAtRest !== true) return;
    const stat = statOf(this.path);
    if (stat !== undefined && last.file.isOf(stat) && (!last.file.hasChanged(stat) || last.file.wake(this.path, this.#context.opener)))
      return;
    // As another process would go on.
    const { mark } = last.file;
    const others = this.#files.slice(0, -1);
    this.#files = others;
    const file = findMarked(this.path, mark, this.#context.opener, (found) => this.has(found) || this.#context.isElsewhere(found, this));
    if (file === undefined) this.#finish(mark);
    else this.#files = [...others, { ...last, file }];
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
      const copy = findMarked(
        this.path,
        look.restarted,
        this.#context.opener,
        (found) => this.has(found) || this.#context.isElsewhere(found, this),
      );
      if (copy !== undefined) await this.#readCopy(copy, sink);
      open.sinceNs = copy === undefined ? look.stat.mtimeNs : copy.lastStat.mtimeNs;
    }
  }

  /** Reads a rotated file to its end, which is all that it will ever have. */
  async #readCopy(copy: TailedFile, sink: OctetSink): Promise<void> {
    try {
      this.#readBytes += (await copy.look(sink))?.readBytes ?? 0;
      this.#finish(copy.mark);
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
      for (const copy of this.#unseen(sinceNs, before.mtimeNs, file)) await this.#readCopy(copy, sink);
      const now = file.stat();
      const isSame = now.size >= before.size && head.equals(file.firstOctets(head.length));
      if (isSame && (head.length > 0 || now.mtimeNs === before.mtimeNs)) return;
    }
  }

  /** Goes on with the file that has the path now. @returns whether there is one */
  #follow(): boolean {
    const { monotonicMs } = this.#context;
    this.#wake();
    const next = this.#open();
    if (next === undefined) return false;
    const current = this.#files.at(-1);
    const grewMs = monotonicMs();
    if (current !== undefined && next.goesOnFrom(current.file)) {
      // It was written anew, with all that it had. Somebody may still write to what it was.
      next.takeOver(current.file);
      this.#files.push({ file: next, grewMs });
      return true;
    }
    let sinceNs = current?.file.stat().mtimeNs;
    const mark = this.#done.at(-1);
    if (current === undefined && mark !== undefined) {
      if (mark.offset > 0 && next.resume(mark)) this.#done.pop();
      else sinceNs = BigInt(mark.mtimeNs);
    }
    if (sinceNs !== undefined) this.#between(sinceNs, next);
    if (this.#dirent !== undefined) this.#rotations++;
    this.#files.push({ file: next, grewMs, sinceNs });
    this.#isStale = true;
    return true;
  }

  /** Opens the file that has the path; undefined where none has it any more. @throws why it cannot be opened */
  #open(): TailedFile | undefined {
    try {
      return TailedFile.open(this.path, this.#context.opener);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Opens the files that had the path in between, where it was rotated more than once since the last look. */
  #between(afterNs: bigint, next: TailedFile): void {
    const grewMs = this.#context.monotonicMs();
    for (const file of this.#unseen(afterNs, undefined, next)) this.#files.push({ file, grewMs });
  }

  /** Opens the rotated files that were changed between two times, and are nobody's yet; oldest first. */
  #unseen(afterNs: bigint, uptoNs: bigint | undefined, except: TailedFile): TailedFile[] {
    return openRotated(
      this.path,
      this.#context.opener,
      ({ path, stat }) =>
        stat.mtimeNs > afterNs &&
        (uptoNs === undefined || stat.mtimeNs <= uptoNs) &&
        !except.isOf(stat) &&
        !this.had(path, stat) &&
        !this.#context.isElsewhere(stat, this),
    );
  }

  /** Closes the files that lost the path, and to which nothing is written any more. */
  #retire(): void {
    const nowMs = this.#context.monotonicMs();
    const last = this.#files.at(-1);
    this.#files = this.#files.filter((open) => {
      if ((open === last && this.#isThere) || nowMs - open.grewMs < FORMER_MS) return true;
      this.#finish(open.file.mark);
      open.file.close();
      return false;
    });
  }

  #finish(mark: FileMark): void {
    this.#done = [...this.#done, mark].slice(-MAX_DONE);
  }

  /** Makes the Dirent of what there is. @returns whether it is another than before */
  #update(): boolean {
    const file = this.#files.at(-1)?.file;
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
