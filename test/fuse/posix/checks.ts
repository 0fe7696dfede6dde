import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import type { Caller, CallName, Moment, Stat, SystemCalls } from './system-calls.ts';
import { CallError } from './system-calls.ts';

/** What is true of a filesystem, as a test with a name. */
export interface PosixCase {
  readonly name: string;
  /** Users, descriptors' rights, or page caches: what only a kernel has. */
  readonly needsKernel?: boolean;
  readonly run: (fs: Checks) => Promise<void>;
}

/** A user who has no rights. */
export const USER = { uid: 65534, gid: 65534 };
/** Another one. */
export const OTHER = { uid: 65533, gid: 65533 };

/** Types of nodes, with what makes one. */
export const NODE_TYPES = ['file', 'dir', 'fifo', 'block', 'char', 'socket', 'symlink'] as const;
/** See {@link NODE_TYPES}. */
export type NodeType = (typeof NODE_TYPES)[number];
/** All but symlinks, which chmod and the like look through. */
export const REAL_TYPES = NODE_TYPES.filter((type) => type !== 'symlink');
/** All but Dirs, which have one name only. */
export const LEAF_TYPES = NODE_TYPES.filter((type) => type !== 'dir');

/** Type bits of `st_mode`. */
export const TYPE_BITS: Readonly<Record<NodeType, number>> = {
  fifo: 0o010000,
  char: 0o020000,
  dir: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};

/** Makes system calls, and counts what was checked of them. */
export class Checks {
  readonly #caller: Caller;
  #count = 0;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Checks so far. */
  get count(): number {
    return this.#count;
  }

  get hasKernel(): boolean {
    return this.#caller.hasKernel;
  }

  /** A call that has to succeed. */
  async do<K extends CallName>(name: K, ...args: Parameters<SystemCalls[K]>): Promise<ReturnType<SystemCalls[K]>> {
    this.#count++;
    try {
      return await this.#caller.call(name, ...args);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw new assert.AssertionError({ message: `${name}(${shown(args)}): ${error.errno}`, stackStartFn: this.do });
    }
  }

  /** A call that has to fail, with one of some errors. */
  async fails<K extends CallName>(errno: string | readonly string[], name: K, ...args: Parameters<SystemCalls[K]>): Promise<void> {
    this.#count++;
    const wanted = typeof errno === 'string' ? [errno] : errno;
    let found = 'success';
    try {
      await this.#caller.call(name, ...args);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      found = error.errno;
    }
    if (!wanted.includes(found))
      throw new assert.AssertionError({
        message: `${name}(${shown(args)}): expected ${wanted.join(' or ')}, got ${found}`,
        stackStartFn: this.fails,
      });
  }

  /** Whether two values are the same. */
  same<T>(found: T, wanted: T, what: string): void {
    this.#count++;
    assert.deepEqual(found, wanted, what);
  }

  /** Whether something holds. */
  holds(value: boolean, what: string): void {
    this.#count++;
    assert.ok(value, what);
  }

  /** Permissions of what a path names, a symlink itself. */
  async mode(path: string): Promise<number> {
    return (await this.do('lstat', path)).mode & 0o7777;
  }

  /** Fields of what a path names are so. */
  async is(path: string, wanted: Partial<Stat>): Promise<void> {
    const found = await this.do('lstat', path);
    for (const [field, value] of Object.entries(wanted)) this.same(found[field as keyof Stat], value as never, `${field} of ${path}`);
  }

  /** Makes a node of a type. */
  async make(type: NodeType, path: string, mode = 0o644): Promise<void> {
    switch (type) {
      case 'file':
        return await this.do('close', await this.do('open', path, FLAGS.O_CREAT | FLAGS.O_EXCL | FLAGS.O_WRONLY, mode));
      case 'dir':
        return await this.do('mkdir', path, type === 'dir' && mode === 0o644 ? 0o755 : mode);
      case 'fifo':
        return await this.do('mknod', path, TYPE_BITS.fifo | mode);
      case 'block':
        return await this.do('mknod', path, TYPE_BITS.block | mode, 1, 2);
      case 'char':
        return await this.do('mknod', path, TYPE_BITS.char | mode, 1, 3);
      case 'socket':
        await this.do('bind', path);
        return await this.do('chmod', path, mode);
      case 'symlink':
        return await this.do('symlink', 'nowhere', path);
    }
  }

  /** Removes a node of a type. */
  async unmake(type: NodeType, path: string): Promise<void> {
    await (type === 'dir' ? this.do('rmdir', path) : this.do('unlink', path));
  }

  /** Does something as somebody who is not root, in some more groups. */
  async as(
    who: { readonly uid: number; readonly gid: number; readonly groups?: readonly number[] },
    run: () => Promise<void>,
  ): Promise<void> {
    await this.do('become', who.uid, who.gid, who.groups ?? [who.gid]);
    try {
      await run();
    } finally {
      await this.do('become', 0, 0, []);
    }
  }

  /**
   * Runs something and looks which times of nodes it sets.
   *
   * @param paths - name to the times that have to change; those not named must not
   */
  async sets(paths: Readonly<Record<string, readonly ('mtime' | 'ctime')[]>>, run: () => Promise<unknown>): Promise<void> {
    const before = new Map<string, Stat>();
    for (const path of Object.keys(paths)) before.set(path, await this.do('lstat', path));
    if (this.hasKernel) await tick();
    await run();
    for (const [path, changed] of Object.entries(paths)) {
      const was = before.get(path);
      if (was === undefined) continue;
      const now = await this.do('lstat', path);
      for (const time of ['mtime', 'ctime'] as const) {
        const later = isBefore(was[time], now[time]);
        this.holds(later === changed.includes(time), `${time} of ${path} ${later ? 'changed' : 'stayed'}`);
      }
    }
  }

  /** All entries of a Dir, without the dots, sorted. */
  async names(path: string): Promise<string[]> {
    const fd = await this.do('open', path, FLAGS.O_RDONLY | FLAGS.O_DIRECTORY);
    const names: string[] = [];
    for (;;) {
      const entries = await this.do('getdents', fd, 4096);
      if (entries.length === 0) break;
      names.push(...entries.map(({ name }) => name));
    }
    await this.do('close', fd);
    return names.filter((name) => name !== '.' && name !== '..').sort();
  }
}

/** Flags of open(2). */
export const FLAGS = {
  O_RDONLY: constants.O_RDONLY,
  O_WRONLY: constants.O_WRONLY,
  O_RDWR: constants.O_RDWR,
  O_CREAT: constants.O_CREAT,
  O_EXCL: constants.O_EXCL,
  O_TRUNC: constants.O_TRUNC,
  O_APPEND: constants.O_APPEND,
  O_NONBLOCK: constants.O_NONBLOCK,
  O_DIRECTORY: constants.O_DIRECTORY,
  O_NOFOLLOW: constants.O_NOFOLLOW,
  /** <asm-generic/fcntl.h> */
  O_TMPFILE: 0o20000000 | constants.O_DIRECTORY,
} as const;

/** Whether a moment is before another. */
export function isBefore(a: Moment, b: Moment): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** Longer than a tick of the clock that filesystems take times from, so that a new time is a later one. */
async function tick(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 12));
}

function shown(args: readonly unknown[]): string {
  return args
    .map((arg) => (typeof arg === 'string' && arg.length > 40 ? `'${arg.slice(0, 20)}…' of ${arg.length}` : JSON.stringify(arg)))
    .join(', ');
}
