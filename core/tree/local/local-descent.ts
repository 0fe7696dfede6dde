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
 * Stands in a directory on disk, enters those below one name at a time, and leaves them again. No symlink is followed, not even one that
 * somebody puts there meanwhile. Neither the length of a path nor its depth has a limit, and two directories are open at most.
 */
export class LocalDescent implements Disposable {
  readonly #above: BigIntStats[] = [];
  #fd: number;
  #path: Octets;

  /** @param path - of a directory */
  constructor(path: Octets) {
    using reached = reachPath(path);
    this.#fd = openSync(reached.bytes, O_RDONLY | O_DIRECTORY);
    this.#path = path;
  }

  /** The directory that it stands in, open. */
  get fd(): number {
    return this.#fd;
  }

  /** The path of an entry, for messages. */
  pathOf(name: Octets): Octets {
    return localChildPath(this.#path, name);
  }

  /** A path by which the system reaches an entry from here; by its path where the system shows no open directories. */
  entry(name: Octets): Octets {
    return process.platform === 'linux' ? (`/proc/self/fd/${this.#fd}/${name}` as Octets) : this.pathOf(name);
  }

  /** The names in the directory. */
  names(): Octets[] {
    const path = process.platform === 'linux' ? `/proc/self/fd/${this.#fd}` : pathBytes(this.#path);
    return readdirSync(path, { encoding: 'buffer' }).map((name) => octetsFromBytes(name));
  }

  /** @throws SystemError where the name is no directory */
  enter(name: Octets): void {
    const above = fstatSync(this.#fd, { bigint: true });
    this.#stand(atCalls().open(this.#fd, cName(name), 'dir'));
    this.#above.push(above);
    this.#path = this.pathOf(name);
  }

  /** Goes back to where it stood. @throws {VtError} EFAILED where somebody moved the directory */
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
