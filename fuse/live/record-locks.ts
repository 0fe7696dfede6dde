import type { FileLock, LockChange } from '../filesystem.ts';

/** The locks of one owner on a file. */
interface Holding {
  /** In order, without overlaps; neighbours of one type are joined. */
  ranges: FileLock[];
  /** Through which they were set: an open file has one, a process may have several. */
  readonly handles: Set<number>;
}

/** The locks of fcntl(2) on one file: each byte is locked by any number of owners to read, or by one to write. */
export class RecordLocks {
  /** In the order in which the owners came. */
  readonly #holdings = new Map<string, Holding>();

  get isEmpty(): boolean {
    return this.#holdings.size === 0;
  }

  /** The first lock of somebody else that is in the way, and whose it is. */
  inTheWay({ owner, type, start, last }: LockChange): { readonly owner: string; readonly lock: FileLock } | undefined {
    if (type === 'none') return undefined;
    for (const [other, { ranges }] of this.#holdings) {
      if (other === owner) continue;
      const lock = ranges.find((each) => each.start <= last && start <= each.last && (type === 'write' || each.type === 'write'));
      if (lock !== undefined) return { owner: other, lock };
    }
    return undefined;
  }

  /** Makes a range what is wanted. Nothing is in the way. */
  set(handle: number, { owner, type, start, last, pid }: LockChange): void {
    const held = this.#holdings.get(owner);
    const ranges: FileLock[] = [];
    for (const range of held?.ranges ?? []) {
      if (range.last < start || last < range.start) {
        ranges.push(range);
        continue;
      }
      if (range.start < start) ranges.push({ ...range, last: start - 1n });
      if (last < range.last) ranges.push({ ...range, start: last + 1n });
    }
    if (type !== 'none') ranges.push({ type, start, last, pid });
    if (ranges.length === 0) {
      this.#holdings.delete(owner);
      return;
    }
    const holding = held ?? { ranges, handles: new Set() };
    holding.ranges = joined(ranges.sort((a, b) => (a.start < b.start ? -1 : 1)));
    holding.handles.add(handle);
    this.#holdings.set(owner, holding);
  }

  /** Releases all locks of an owner. @returns whether there were any */
  drop(owner: string): boolean {
    return this.#holdings.delete(owner);
  }

  /** A handle goes, and with it the locks of those who had no other: of an open file, which Linux does not report at a close. */
  dropHandle(handle: number): void {
    for (const [owner, { handles }] of this.#holdings) if (handles.delete(handle) && handles.size === 0) this.#holdings.delete(owner);
  }
}

/** Ranges in their order, with neighbours of one type joined. */
function joined(ranges: readonly FileLock[]): FileLock[] {
  const out: FileLock[] = [];
  for (const range of ranges) {
    const before = out.at(-1);
    if (before?.type === range.type && before.last + 1n === range.start) out[out.length - 1] = { ...before, last: range.last };
    else out.push(range);
  }
  return out;
}
