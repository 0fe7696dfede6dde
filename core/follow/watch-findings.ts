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
  /** Everything has to be checked: single paths do not say what changed. */
  needsScan = true;

  /** Of the whole tree, when it was imported last. */
  files = 0;
  size = 0;
  /** Bytes that were new to the tree, and bytes read, since the beginning. */
  newBytes = 0;
  readBytes = 0;

  add(path: Octets, make: Change['make']): void {
    this.changes.push({ path, make });
  }
}
