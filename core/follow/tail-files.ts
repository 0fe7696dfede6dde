import type { Octets } from '../base/octets.ts';
import { errorCode } from '../base/system/system-error.ts';
import { findMarked, openOrNone, openRotated } from './rotated-files.ts';
import { statOf } from './stat-of.ts';
import type { TailContext } from './tail-context.ts';
import type { FileMark } from './tailed-file.ts';
import { TailedFile } from './tailed-file.ts';

/** A file that lost its path is kept open until nothing was written to it for so long: milliseconds. */
const FORMER_MS = 60_000;

/** A file that has its path is closed where nothing was written to it for so long: milliseconds. */
const REST_MS = 5000;

/** Files remembered that had the path and are read to their end. */
const MAX_DONE = 64;

/** A file that is read. */
export interface OpenFile {
  readonly file: TailedFile;
  grewMs: number;
  /** Of a file that nothing was read of: rotated files that were changed after this come before it. */
  sinceNs?: bigint | undefined;
}

type Identity = { readonly dev: bigint; readonly ino: bigint };

/** The files that have or had one path: those that are read still, and the marks of those that are done. */
export class TailFiles {
  readonly #path: Octets;
  readonly #context: TailContext;
  readonly #isElsewhere: (file: Identity) => boolean;
  /** Oldest first; the last has the path, or had it last. */
  #open: OpenFile[] = [];
  #done: FileMark[] = [];

  /** @param isElsewhere - whether a file belongs to another path that is followed */
  constructor(path: Octets, context: TailContext, isElsewhere: (file: Identity) => boolean) {
    this.#path = path;
    this.#context = context;
    this.#isElsewhere = isElsewhere;
  }

  /** Those that are read, oldest first. */
  get open(): readonly OpenFile[] {
    return this.#open;
  }

  /** Those that are read to their end. */
  get done(): readonly FileMark[] {
    return this.#done;
  }

  /** The one that has the path, or had it last. */
  get last(): OpenFile | undefined {
    return this.#open.at(-1);
  }

  /** Continues with files as a checkpoint has them. */
  restore(files: readonly FileMark[], done: readonly FileMark[]): void {
    this.#done = [...done];
    for (const each of files) {
      // Of a file that nothing was read of nobody can say whether it was copied and cut short meanwhile: the next look goes through what is beside it.
      const isBlank = each.offset === 0 && each === files.at(-1);
      const file = isBlank ? undefined : findMarked(this.#path, each, this.#context.opener, (found) => this.has(found));
      if (file === undefined) this.finish(each);
      else this.add(file);
    }
  }

  /**
   * Goes back to the start of what there still is of files.
   *
   * @param marks - oldest first
   * @param bytes - bytes that were read of them
   * @returns bytes that no file has any more
   */
  readAgain(marks: readonly FileMark[], bytes: number): number {
    let left = bytes;
    const found: OpenFile[] = [];
    // The newest first: a file that was written again has what older ones had.
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

  /** A file that is read from now on, after the others. */
  add(file: TailedFile, sinceNs?: bigint): void {
    this.#open.push({ file, grewMs: this.#context.monotonicMs(), sinceNs });
  }

  /** A file is read to its end. */
  finish(mark: FileMark): void {
    this.#done = [...this.#done, mark].slice(-MAX_DONE);
  }

  /** Whether a file has the path, or had it and is still read. */
  has(file: Identity): boolean {
    return this.#open.some((each) => each.file.isOf(file));
  }

  /** Whether a file had the path, as far as it can be known again: under its present name it is no news. */
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

  /** Opens the file at rest again if something happened to it, wherever it is now. */
  wake(): void {
    const { last } = this;
    if (last?.file.isAtRest !== true) return;
    const stat = statOf(this.#path);
    if (stat !== undefined && last.file.isOf(stat) && (!last.file.hasChanged(stat) || last.file.wake(this.#path, this.#context.opener)))
      return;
    // As another process would continue.
    const { mark } = last.file;
    const others = this.#open.slice(0, -1);
    this.#open = others;
    const file = this.find(mark);
    if (file === undefined) this.finish(mark);
    else this.#open = [...others, { ...last, file }];
  }

  /** Opens the file of a mark under the name that it has now, if it is nobody's yet. */
  find(mark: FileMark): TailedFile | undefined {
    return findMarked(this.#path, mark, this.#context.opener, (found) => this.has(found) || this.#isElsewhere(found));
  }

  /** Continues with the file that has the path now. @returns whether there is one, and whether it is the same written again */
  follow(): 'none' | 'rewritten' | 'other' {
    this.wake();
    const next = this.#openPath();
    if (next === undefined) return 'none';
    const current = this.last;
    if (current !== undefined && next.goesOnFrom(current.file)) {
      // It was written again, with all that it had. Somebody may still write to what it was.
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
    // Files that had the path in between, where it was rotated more than once since the last look.
    if (sinceNs !== undefined) for (const file of this.unseen(sinceNs, undefined, next)) this.add(file);
    this.add(next, sinceNs);
    return 'other';
  }

  /** Opens the rotated files that were changed between two times, and are nobody's yet; oldest first. */
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

  /** Closes the files that lost the path, and to which nothing is written any more. @param isThere - a file has the path */
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

  /** Closes the file that has the path where nothing happens to it: an open one would keep its filesystem from being unmounted. */
  rest(): void {
    const { last } = this;
    if (last !== undefined && this.#context.monotonicMs() - last.grewMs > REST_MS) last.file.rest();
  }

  /** Closes all. */
  close(): void {
    for (const { file } of this.#open) file.close();
    this.#open = [];
  }

  /** Opens the file that has the path; undefined where none has it any more. @throws why it cannot be opened */
  #openPath(): TailedFile | undefined {
    try {
      return TailedFile.open(this.#path, this.#context.opener);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}
