import type { Octets } from '../base/octets.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { encodeDirent } from '../dirent/dirent-codec.ts';
import { linksWithin } from '../tree/live/live-node.ts';
import type { CachedEntry } from './import-cache.ts';
import type { EntryOutcome } from './import-dir.ts';
import type { LocalDir } from './local-dir.ts';

/** The self-contained Dirent of a stored node. */
export type StoredNode = Exclude<Dirent, IndirectDirent>;

/** The place of a node. Its path is only made when it is needed. */
export interface NodePlace {
  readonly dir: LocalDir;
  readonly name: Octets;
}

/** A node to import, and a function that receives the outcome. */
export interface FoundNode extends NodePlace {
  readonly stat: NodeStat;
  /** Its cache entry. */
  readonly cached: CachedEntry | undefined;
  readonly settle: (outcome: EntryOutcome) => void;
}

/** The name of a node in its directory; `.` for the root directory, which has no name. */
export function elementOf({ name }: NodePlace): Octets {
  return name === '' ? ('.' as Octets) : name;
}

/** The outcome of a node that is left out. */
export const LEFT_OUT: EntryOutcome = { record: undefined };

/** The outcome of a node that keeps its stored state; it is left out if it has none. */
export function keptOutcome(name: Octets, stored: StoredNode | undefined): EntryOutcome {
  if (stored === undefined) return LEFT_OUT;
  return { record: encodeDirent({ ...stored, name }), links: stored.kind === 'dir' ? linksWithin(stored) : 0 };
}
