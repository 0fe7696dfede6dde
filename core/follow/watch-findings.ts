import type { Octets } from '../base/octets.ts';

/** A change to make in the tree for one path. */
interface Change {
  readonly path: Octets;
  readonly make: () => Promise<void>;
}

/** The changes found in a watched tree that are not yet made in the stored tree. */
export class WatchFindings {
  /** In the order in which to make them. */
  changes: Change[] = [];
  /** Whether the whole tree must be scanned, because single paths do not tell what changed. */
  needsScan = true;

  /** Files in the whole tree at the last full import. `size`: their bytes. */
  files = 0;
  size = 0;
  /** New bytes in the tree since the start. `readBytes`: bytes read for that. */
  newBytes = 0;
  readBytes = 0;

  add(path: Octets, make: Change['make']): void {
    this.changes.push({ path, make });
  }
}
