import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';
import { throwIfCancelled, VtError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsToText } from '../../base/octets.ts';
import type { AtCalls } from '../../base/system/at-calls.ts';
import { cName } from '../../base/system/at-calls.ts';
import { atCalls } from '../../base/system/choose-at-calls.ts';
import { fileType, isSameNode } from '../../base/system/node-stat.ts';
import { pathBytes } from '../../base/system/system-error.ts';

const { O_DIRECTORY, O_RDONLY } = constants;
const UP = cName('..' as Octets);

/** A directory that is being emptied. */
interface Level {
  /** In the directory above. */
  readonly name: Octets;
  readonly path: Octets;
  /** Names that are still to go. */
  readonly names: Octets[];
  /** Which directory stands above it. */
  readonly above: BigIntStats;
}

/**
 * Removes a node on disk and all below it; symlinks are removed, not followed, also such as somebody puts there meanwhile. Neither the length of
 * a path nor its depth has a limit: directories are entered one name at a time, and two are open at most.
 *
 * @param path - without a slash at its end
 */
export function removeLocal(path: Octets, signal?: AbortSignal): void {
  const at = path.lastIndexOf('/');
  const parent = at < 0 ? ('.' as Octets) : ((path.slice(0, at) || '/') as Octets);
  const fd = openSync(pathBytes(parent), O_RDONLY | O_DIRECTORY);
  using removal = new Removal(fd, atCalls());
  removal.remove(path.slice(at + 1) as Octets, path, signal);
}

class Removal implements Disposable {
  readonly #calls: AtCalls;
  readonly #levels: Level[] = [];
  /** The directory that it stands in. */
  #dir: number;

  constructor(dir: number, calls: AtCalls) {
    this.#dir = dir;
    this.#calls = calls;
  }

  remove(name: Octets, path: Octets, signal: AbortSignal | undefined): void {
    this.#one(name, path);
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      throwIfCancelled(signal);
      const next = level.names.pop();
      if (next === undefined) this.#leave(level);
      else this.#one(next, `${level.path}/${next}` as Octets);
    }
  }

  /** Removes a name, or enters it where it is a directory. */
  #one(name: Octets, path: Octets): void {
    const stat = this.#calls.stat(this.#dir, cName(name));
    if (stat === undefined) return;
    if (fileType(stat) !== constants.S_IFDIR) {
      this.#calls.unlink(this.#dir, cName(name));
      return;
    }
    const above = fstatSync(this.#dir, { bigint: true });
    const inner = this.#calls.open(this.#dir, cName(name), 'dir');
    closeSync(this.#dir);
    this.#dir = inner;
    this.#levels.push({ name, path, names: namesIn(inner, path), above });
  }

  #leave({ name, path, above }: Level): void {
    const outer = this.#calls.open(this.#dir, UP, 'dir');
    closeSync(this.#dir);
    this.#dir = outer;
    if (!isSameNode(fstatSync(outer, { bigint: true }), above))
      throw new VtError('EFAILED', `remove "${octetsToText(path)}": it was moved meanwhile`);
    this.#calls.rmdir(outer, cName(name));
    this.#levels.pop();
  }

  [Symbol.dispose](): void {
    closeSync(this.#dir);
  }
}

/** The names in an open directory. Where the system shows none of those, by its path. */
function namesIn(fd: number, path: Octets): Octets[] {
  return readdirSync(process.platform === 'linux' ? `/proc/self/fd/${fd}` : pathBytes(path), 'latin1') as Octets[];
}
