import type { Octets } from '../base/octets.ts';
import type { NodePlace } from './import-node.ts';
import { LocalDir } from './local-dir.ts';
import type { OpenDirs } from './open-dirs.ts';

/** The node at which an import begins, and the paths of nodes below it. */
export class ImportTop {
  readonly path: Octets;
  readonly place: NodePlace;

  /**
   * @param path - local, without a trailing slash
   * @param open - counts the open directories
   * @throws a SystemError if its parent directory cannot be opened
   */
  constructor(path: Octets, open: OpenDirs) {
    const nameAt = path.lastIndexOf('/') + 1;
    const container = nameAt === 0 ? '.' : nameAt === 1 ? '/' : path.slice(0, nameAt - 1);
    this.path = path;
    this.place = { dir: LocalDir.container(container as Octets, open), name: path.slice(nameAt) as Octets };
  }

  /** Whether a place is the top itself. */
  isAt({ dir }: NodePlace): boolean {
    return dir === this.place.dir;
  }

  /** The local path of a place. */
  pathOf(place: NodePlace): Octets {
    return this.isAt(place) ? this.path : place.dir.pathOf(place.name);
  }

  /** The path of a place relative to the top, with a leading slash; empty for the top. */
  relative(place: NodePlace): Octets {
    return this.pathOf(place).slice(this.path.length) as Octets;
  }

  /** Closes its parent directory. */
  release(): void {
    this.place.dir.release();
  }
}
