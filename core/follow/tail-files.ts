import type { Octets } from '../base/octets.ts';
import { errorCode } from '../base/system/system-error.ts';
import { findMarked, openOrNone, openRotated } from './rotated-files.ts';
import { statOf } from './stat-of.ts';
import type { TailContext } from './tail-context.ts';
import type { FileMark } from './tailed-file.ts';
import { TailedFile } from './tailed-file.ts';

/** Milliseconds without a write after which a file that lost its path is closed. */
const FORMER_MS = 60_000;

/** Milliseconds without a write after which the file at the path is closed. */
const REST_MS = 5000;

/** Finished files that are remembered, at most. */
const MAX_DONE = 64;

/** A file that is being read. */
export interface OpenFile {
  readonly file: TailedFile;
  grewMs: number;
  /** For a file with nothing read yet: rotated files with a later mtime than this come before it. Nanoseconds since 1970. */
  sinceNs?: bigint | undefined;
}

type Identity = { readonly dev: bigint; readonly ino: bigint };

/** The files of one path, present and former: those still read, and marks of the finished ones. */
export class TailFiles {
  readonly #path: Octets;
  readonly #context: TailContext;
  readonly #isElsewhere: (file: Identity) => boolean;
  /** Oldest first; the last one is at the path, or was there last. */
  #open: OpenFile[] = [];
  #done: FileMark[] = [];

  /**
   * @param path - the followed path
   * @param context - what a tail needs from outside
   * @param isElsewhere - whether a file belongs to another followed path
   */
  constructor(path: Octets, context: TailContext, isElsewhere: (file: Identity) => boolean) {
    this.#path = path;
    this.#context = context;
    this.#isElsewhere = isElsewhere;
  }

  /** The files that are being read, oldest first. */
  get open(): readonly OpenFile[] {
    return this.#open;
  }

  /** Marks of the finished files. */
  get done(): readonly FileMark[] {
    return this.#done;
  }

  /** The file that is at the path, or was there last. */
  get last(): OpenFile | undefined {
    return this.#open.at(-1);
  }

  /** Restores the files of a checkpoint. */
  restore(files: readonly FileMark[], done: readonly FileMark[]): void {
    this.#done = [...done];
    for (const each of files) {
      // For a file with nothing read, nobody can tell whether it was copied and truncated meanwhile: the next look examines the files
      // beside it.
      const isBlank = each.offset === 0 && each === files.at(-1);
      const file = isBlank ? undefined : findMarked(this.#path, each, this.#context.opener, (found) => this.has(found));
      if (file === undefined) this.finish(each);
      else this.add(file);
    }
  }

  /**
   * Starts the remaining files again from their beginning.
   *
   * @param marks - oldest first
   * @param bytes - bytes that were read of them
   * @returns bytes that no file has any more
   */
  readAgain(marks: readonly FileMark[], bytes: number): number {
    let left = bytes;
    const found: OpenFile[] = [];
    // Newest first: a rewritten file has what older ones had.
    for (const mark of [...marks].reverse()) {
      const file =
        mark.offset === 0 || mark.offset > left
          ? undefined
          : findMarked(this.#path, mark, this.#context.opener, (each) => found.some((other) => other.file.isOf(each)));
      if (file === undefined) continue;
      left -= mark.offset;
      file.readAgain();
      found.unshift({ file, grewMs: this.#context.monotonicMs() });
    }
    this.#open = found;
    return left;
  }

  /** Adds a file to read after the others. */
  add(file: TailedFile, sinceNs?: bigint): void {
    this.#open.push({ file, grewMs: this.#context.monotonicMs(), sinceNs });
  }

  /** Notes that a file is finished. */
  finish(mark: FileMark): void {
    this.#done = [...this.#done, mark].slice(-MAX_DONE);
  }

  /** Whether a file is one of those being read. */
  has(file: Identity): boolean {
    return this.#open.some((each) => each.file.isOf(file));
  }

  /** Whether a file was at the path before, as far as that can be recognised. If so, it is not new under its present name. */
  had(path: Octets, stat: Identity): boolean {
    if (this.has(stat)) {
      const current = this.last?.file;
      const now = statOf(this.#path);
      return current?.isOf(stat) !== true || now === undefined || !current.isOf(now);
    }
    const marks = this.#done.filter(({ ino, offset }) => offset > 0 && ino === stat.ino.toString());
    if (marks.length === 0) return false;
    const file = openOrNone(path, this.#context.opener);
    const isKnown = file !== undefined && marks.some((mark) => file.resume(mark));
    file?.close();
    return isKnown;
  }

  /** Reopens the closed file if something happened to it, wherever it is now. */
  wake(): void {
    const { last } = this;
    if (last?.file.isAtRest !== true) return;
    const stat = statOf(this.#path);
    if (stat !== undefined && last.file.isOf(stat) && (!last.file.hasChanged(stat) || last.file.wake(this.#path, this.#context.opener)))
      return;
    // Continue from the mark, as another process would.
    const { mark } = last.file;
    const others = this.#open.slice(0, -1);
    this.#open = others;
    const file = this.find(mark);
    if (file === undefined) this.finish(mark);
    else this.#open = [...others, { ...last, file }];
  }

  /** Opens the file of a mark under its present name, unless it belongs to another tail. */
  find(mark: FileMark): TailedFile | undefined {
    return findMarked(this.#path, mark, this.#context.opener, (found) => this.has(found) || this.#isElsewhere(found));
  }

  /**
   * Continues with the file that is at the path now.
   *
   * @returns `none` without one; `rewritten` if it begins with all that was read; else `other`
   */
  follow(): 'none' | 'rewritten' | 'other' {
    this.wake();
    const next = this.#openPath();
    if (next === undefined) return 'none';
    const current = this.last;
    if (current !== undefined && next.goesOnFrom(current.file)) {
      // It was rewritten with all its former bytes. A program may still write to the former file.
      next.takeOver(current.file);
      this.add(next);
      return 'rewritten';
    }
    let sinceNs = current?.file.stat().mtimeNs;
    const mark = this.#done.at(-1);
    if (current === undefined && mark !== undefined) {
      if (mark.offset > 0 && next.resume(mark)) this.#done.pop();
      else sinceNs = BigInt(mark.mtimeNs);
    }
    // Files that were at the path in between, if it was rotated more than once since the last look.
    if (sinceNs !== undefined) for (const file of this.unseen(sinceNs, undefined, next)) this.add(file);
    this.add(next, sinceNs);
    return 'other';
  }

  /**
   * Opens the rotated files that no tail has yet and whose mtime is in a range, oldest first.
   *
   * @param afterNs - before the range
   * @param uptoNs - the end of the range; undefined: no end
   * @param except - a file to leave out
   */
  unseen(afterNs: bigint, uptoNs: bigint | undefined, except: TailedFile): TailedFile[] {
    return openRotated(
      this.#path,
      this.#context.opener,
      ({ path, stat }) =>
        stat.mtimeNs > afterNs &&
        (uptoNs === undefined || stat.mtimeNs <= uptoNs) &&
        !except.isOf(stat) &&
        !this.had(path, stat) &&
        !this.#isElsewhere(stat),
    );
  }

  /** Closes the files that lost the path and are no longer written to. @param isThere - whether a file is at the path */
  retire(isThere: boolean): void {
    const nowMs = this.#context.monotonicMs();
    const { last } = this;
    this.#open = this.#open.filter((open) => {
      if ((open === last && isThere) || nowMs - open.grewMs < FORMER_MS) return true;
      this.finish(open.file.mark);
      open.file.close();
      return false;
    });
  }

  /** Closes the file at the path if nothing happens to it: an open file would keep its filesystem from being unmounted. */
  rest(): void {
    const { last } = this;
    if (last !== undefined && this.#context.monotonicMs() - last.grewMs > REST_MS) last.file.rest();
  }

  /** Closes all files. */
  close(): void {
    for (const { file } of this.#open) file.close();
    this.#open = [];
  }

  /** Opens the file at the path; undefined if there is none. @throws other errors of opening it */
  #openPath(): TailedFile | undefined {
    try {
      return TailedFile.open(this.#path, this.#context.opener);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}
