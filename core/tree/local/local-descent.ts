import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';
import { VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsFromBytes, octetsToText } from '../../base/octets.ts';
import { cName } from '../../base/system/at-calls.ts';
import { atCalls } from '../../base/system/choose-at-calls.ts';
import { isSameNode } from '../../base/system/node-stat.ts';
import { reachPath } from '../../base/system/reach-path.ts';
import { pathBytes } from '../../base/system/system-error.ts';
import { localChildPath } from './local-node.ts';

const { O_DIRECTORY, O_RDONLY } = constants;
const UP = cName('..' as Octets);

/**
 * Walks directories on disk: it has a current directory, enters subdirectories by name, and leaves them again. It follows no symlinks, even
 * if one is created meanwhile. Path length and depth are unlimited, and at most two directories are open.
 */
export class LocalDescent implements Disposable {
  readonly #above: BigIntStats[] = [];
  #fd: number;
  #path: Octets;

  /** @param path - the path of a directory */
  constructor(path: Octets) {
    using reached = reachPath(path);
    this.#fd = openSync(reached.bytes, O_RDONLY | O_DIRECTORY);
    this.#path = path;
  }

  /** The descriptor of the current directory. */
  get fd(): number {
    return this.#fd;
  }

  /** The path of an entry of the current directory, for messages. */
  pathOf(name: Octets): Octets {
    return localChildPath(this.#path, name);
  }

  /** A path for system calls on an entry. It is relative to the open directory if the system supports that, else the full path. */
  entry(name: Octets): Octets {
    return process.platform === 'linux' ? (`/proc/self/fd/${this.#fd}/${name}` as Octets) : this.pathOf(name);
  }

  /** The names in the current directory. */
  names(): Octets[] {
    const path = process.platform === 'linux' ? `/proc/self/fd/${this.#fd}` : pathBytes(this.#path);
    return readdirSync(path, { encoding: 'buffer' }).map((name) => octetsFromBytes(name));
  }

  /** Enters a subdirectory. @throws SystemError if the name is no directory */
  enter(name: Octets): void {
    const above = fstatSync(this.#fd, { bigint: true });
    this.#stand(atCalls().open(this.#fd, cName(name), 'dir'));
    this.#above.push(above);
    this.#path = this.pathOf(name);
  }

  /** Returns to the parent directory. @throws {VtError} EFAILED if the directory was moved */
  leave(): void {
    this.#stand(atCalls().open(this.#fd, UP, 'dir'));
    const above = this.#above.pop();
    const left = this.#path;
    this.#path = (left.slice(0, left.lastIndexOf('/')) || '/') as Octets;
    if (above === undefined || !isSameNode(fstatSync(this.#fd, { bigint: true }), above))
      throw new VtError('EFAILED', `leave "${octetsToText(left)}": it was moved meanwhile`);
  }

  #stand(fd: number): void {
    closeSync(this.#fd);
    this.#fd = fd;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
