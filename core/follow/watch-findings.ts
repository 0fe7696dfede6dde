import type { Octets } from '../base/octets.ts';

/** Something to be done to the tree, for one path. */
interface Change {
  readonly path: Octets;
  readonly make: () => Promise<void>;
}

/** What looks at a watched tree have found, and nobody has brought into the tree yet. */
export class WatchFindings {
  /** In the order in which they are to be made. */
  changes: Change[] = [];
  /** All has to be looked at: single paths do not tell what changed. */
  needsScan = true;

  /** Of the whole tree, when it was imported last. */
  files = 0;
  size = 0;
  /** Octets that were new to the tree, and octets read, since the beginning. */
  newBytes = 0;
  readBytes = 0;

  add(path: Octets, make: Change['make']): void {
    this.changes.push({ path, make });
  }
}
