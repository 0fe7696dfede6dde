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
  /** In the directories above. */
  readonly from: Octets;
  readonly to: Octets;
  /** Names that are still to copy. */
  readonly names: Octets[];
}

/**
 * Copies a node on disk, and all below it, to a path where nothing is. Metadata and hard links among the copied are kept. Content
 * is copied by reference where the filesystem can.
 *
 * @throws SystemError; what was made until then stays
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
  /** Where the copy of a node with several names is, by device and inode. */
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

  /** Copies an entry, or makes and enters it where it is a directory. */
  async #copy(from: Octets, to: Octets): Promise<void> {
    const node = localNode(this.#source.entry(from));
    // It is gone since the listing.
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

  /** A directory gets its metadata last: what is made in it changes its time, and may need a permission that it is to lack. */
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
  // Should a FIFO have taken the file's place, its opening must not wait.
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
