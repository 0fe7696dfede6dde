import { closeSync, constants, fstatSync, linkSync, mkdirSync, openSync, symlinkSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { throwIfCancelled, VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import { makeNode } from '../../base/system/libc.ts';
import { isSameNode } from '../../base/system/node-stat.ts';
import type { OwnerNames } from '../../base/system/owner-names.ts';
import { reachPath } from '../../base/system/reach-path.ts';
import { pathBytes } from '../../base/system/system-error.ts';
import { copyLocalMeta } from './local-attributes.ts';
import { LocalDescent } from './local-descent.ts';
import type { LocalNode } from './local-node.ts';
import { deviceNumber, localNode, localTarget } from './local-node.ts';

const { COPYFILE_EXCL, COPYFILE_FICLONE, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** A directory that is being copied. */
interface Level {
  /** Names in the parent directories. */
  readonly from: Octets;
  readonly to: Octets;
  /** Names that remain to be copied. */
  readonly names: Octets[];
}

/**
 * Copies a node on disk and everything below it to an unused path. Metadata and hard links within the source are kept. Content
 * is copied by reference if the filesystem supports it.
 *
 * @throws SystemError; the parts that were copied before it stay
 */
export async function copyLocal(from: Octets, to: Octets, owners: OwnerNames, signal?: AbortSignal): Promise<void> {
  using copy = new LocalCopy(directoryOf(from), directoryOf(to), owners);
  await copy.run(nameOf(from), nameOf(to), signal);
}

class LocalCopy implements Disposable {
  readonly #source: LocalDescent;
  readonly #target: LocalDescent;
  readonly #owners: OwnerNames;
  readonly #levels: Level[] = [];
  /** Paths of copies of nodes with several names, by device and inode. */
  readonly #copies = new Map<string, Octets>();

  constructor(source: Octets, target: Octets, owners: OwnerNames) {
    this.#source = new LocalDescent(source);
    try {
      this.#target = new LocalDescent(target);
    } catch (error) {
      this.#source[Symbol.dispose]();
      throw error;
    }
    this.#owners = owners;
  }

  async run(from: Octets, to: Octets, signal: AbortSignal | undefined): Promise<void> {
    await this.#copy(from, to);
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      throwIfCancelled(signal);
      const next = level.names.pop();
      if (next === undefined) this.#leave(level);
      else await this.#copy(next, next);
    }
  }

  /** Copies an entry; creates and enters a directory. */
  async #copy(from: Octets, to: Octets): Promise<void> {
    const node = localNode(this.#source.entry(from));
    // It was removed since the listing.
    if (node === undefined) return;
    const target = this.#target.entry(to);
    if (node.kind === 'dir') {
      mkdirSync(pathBytes(target), 0o700);
      this.#source.enter(from);
      this.#target.enter(to);
      this.#levels.push({ from, to, names: this.#source.names() });
      return;
    }
    const key = `${node.stat.dev}:${node.stat.ino}`;
    const copied = this.#copies.get(key);
    if (copied !== undefined) {
      using existing = reachPath(copied);
      linkSync(existing.bytes, pathBytes(target));
      return;
    }
    await copyContent(node, target, this.#source.pathOf(from));
    copyLocalMeta(node, target, this.#owners);
    if (node.stat.nlink > 1n) this.#copies.set(key, this.#target.pathOf(to));
  }

  /** Sets the metadata of a directory last: creating entries changes its time, and may need a permission that it will lack. */
  #leave({ from, to }: Level): void {
    this.#source.leave();
    this.#target.leave();
    const node = localNode(this.#source.entry(from));
    if (node !== undefined) copyLocalMeta(node, this.#target.entry(to), this.#owners);
    this.#levels.pop();
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
    this.#target[Symbol.dispose]();
  }
}

async function copyContent(node: LocalNode, to: Octets, path: Octets): Promise<void> {
  switch (node.kind) {
    case 'file':
      await copyFileContent(node, to, path);
      return;
    case 'symlink':
      symlinkSync(pathBytes(localTarget(node)), pathBytes(to));
      return;
    default:
      makeNode(pathBytes(to), Number(node.stat.mode) & 0o177777, deviceNumber(node.stat.rdev));
  }
}

async function copyFileContent(node: LocalNode, to: Octets, path: Octets): Promise<void> {
  // If a FIFO has replaced the file, opening it must not block.
  const fd = openSync(pathBytes(node.path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    if (!isSameNode(fstatSync(fd, { bigint: true }), node.stat))
      throw new VtError('EFAILED', `copy "${octetsToText(path)}": it was replaced meanwhile`);
    const from = process.platform === 'linux' ? `/proc/self/fd/${fd}` : pathBytes(node.path);
    await copyFile(from, pathBytes(to), COPYFILE_EXCL | COPYFILE_FICLONE);
  } finally {
    closeSync(fd);
  }
}

function directoryOf(path: Octets): Octets {
  return (path.slice(0, path.lastIndexOf('/')) || '/') as Octets;
}

function nameOf(path: Octets): Octets {
  return path.slice(path.lastIndexOf('/') + 1) as Octets;
}
