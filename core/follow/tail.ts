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

/** Attempts to find rotated files while a rotation is in progress. */
const MAX_TRIES = 20;

/**
 * Follows one path. Its content is everything ever written there, in order. Rotation by rename or copy, truncation, removal and replacement
 * do not disturb it: reading continues where it ended.
 */
export class Tail {
  readonly path: Octets;
  readonly name: TreePath;
  readonly #context: TailContext;
  readonly #files: TailFiles;
  readonly #content: TailContent;
  #dirent: FileDirent | undefined;
  /** The state in the last mark. `#recorded`: the state in the last recorded root. */
  #marked: TailState | undefined;
  #recorded: TailState | undefined;
  #isThere = false;
  /** Whether something was read or noticed that the Dirent does not show yet. */
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
   * Continues from a checkpoint.
   *
   * @param state - the state in the checkpoint
   * @param recorded - the state in the tree, if it differs
   * @throws {MissingBlockError} and {CorruptBlockError} if the content cannot be continued: this tail is then unusable
   */
  async restore(state: TailState, recorded: TailState | undefined, options: OpOptions): Promise<void> {
    const dirent = fileOf(state);
    await this.#content.takeUp(dirent.block, state, dirent.meta.xattrs, options);
    this.#dirent = dirent;
    this.#recorded = recorded;
    this.#files.restore(state.files, state.done);
  }

  /**
   * Continues from a checkpoint without a checksum, in which a digit may be wrong. A file that begins with the content continues there,
   * whatever its mark says.
   *
   * @returns false if the mark contradicts the file at the path
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
   * Starts the content anew from the remaining files of a state, each from its beginning.
   *
   * @returns bytes of the old content that no file has any more
   */
  begin(state: TailState): number {
    return this.#files.readAgain([...state.done, ...state.files], fileOf(state).block.span);
  }

  /** Continues the stored content if the file begins with it; else the content starts anew. */
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

  /** Whether a file begins with a content, judged by the first and last bytes of the content. If so, the file is positioned after it. */
  async #startsWith(file: TailedFile, block: Block, options: OpOptions): Promise<boolean> {
    const part = async (offset: number): Promise<Uint8Array> =>
      await readBlockBytes(this.#context.store, { kind: 'sub', base: block, offset, span: Math.min(block.span, CHECK_SIZE) }, options);
    const last = Math.max(0, block.span - CHECK_SIZE);
    return block.span > 0 && file.startsWith(await part(0), await part(last), block.span);
  }

  /** Whether a file is one of those being read. */
  has(file: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.#files.has(file);
  }

  /** Whether a file was at the path before, as far as that can be recognised. If so, it is not new under its present name. */
  had(path: Octets, stat: { readonly dev: bigint; readonly ino: bigint }): boolean {
    return this.#files.had(path, stat);
  }

  /** The Dirent as of the last look; undefined before there was a file. */
  get dirent(): FileDirent | undefined {
    return this.#dirent;
  }

  /** Reads what is new. @returns whether the Dirent changed */
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

  /** Adds waiting Blocks to the Store. */
  async flush(options: OpOptions): Promise<void> {
    await this.#content.flush(options);
  }

  /** The entry of a checkpoint; undefined before there was a file. */
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

  /** Notes that a root with the state of the last mark was recorded. */
  noteRecorded(): void {
    // If a large read failed halfway, the mark and the tree differ.
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

  /** Reads a rotated file to its end and closes it; it will not grow. */
  async #readCopy(copy: TailedFile, sink: OctetSink): Promise<void> {
    try {
      this.#readBytes += (await copy.look(sink))?.readBytes ?? 0;
      this.#files.finish(copy.mark);
    } finally {
      copy.close();
    }
  }

  /**
   * Reads older bytes before a file is read from its start: those in rotated files since it was truncated, or since the file before it. It
   * tries again if the file is rotated at that moment.
   */
  async #readOlder(file: TailedFile, sinceNs: bigint, sink: OctetSink): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const before = file.stat();
      const head = file.firstOctets(CHECK_SIZE);
      // Only files up to this mtime are older than the file's bytes.
      for (const copy of this.#files.unseen(sinceNs, before.mtimeNs, file)) await this.#readCopy(copy, sink);
      const now = file.stat();
      const isSame = now.size >= before.size && head.equals(file.firstOctets(head.length));
      if (isSame && (head.length > 0 || now.mtimeNs === before.mtimeNs)) return;
    }
  }

  /** Continues with the file that is at the path now. @returns whether there is one */
  #follow(): boolean {
    const found = this.#files.follow();
    if (found === 'other') {
      if (this.#dirent !== undefined) this.#rotations++;
      this.#isStale = true;
    }
    return found !== 'none';
  }

  /** Updates the Dirent. @returns whether it changed */
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
