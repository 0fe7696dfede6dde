import type { Octets } from '../base/octets.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { encodeDirent } from '../dirent/dirent-codec.ts';
import { linksWithin } from '../tree/live/live-node.ts';
import type { CachedEntry } from './import-cache.ts';
import type { EntryOutcome } from './import-dir.ts';
import type { LocalDir } from './local-dir.ts';

/** A node as it is stored, self-contained. */
export type StoredNode = Exclude<Dirent, IndirectDirent>;

/** Where a node is; its path is made only where somebody has to know it. */
export interface NodePlace {
  readonly dir: LocalDir;
  readonly name: Octets;
}

/** A node on its way, with where its outcome goes. */
export interface FoundNode extends NodePlace {
  readonly stat: NodeStat;
  /** What is remembered of it. */
  readonly cached: CachedEntry | undefined;
  readonly settle: (outcome: EntryOutcome) => void;
}

/** What a node is called in its directory: the root, in itself, by a dot. */
export function elementOf({ name }: NodePlace): Octets {
  return name === '' ? ('.' as Octets) : name;
}

/** Of a node that is left out. */
export const LEFT_OUT: EntryOutcome = { record: undefined };

/** Of a node whose stored state stays, where there is one. */
export function keptOutcome(name: Octets, stored: StoredNode | undefined): EntryOutcome {
  if (stored === undefined) return LEFT_OUT;
  return { record: encodeDirent({ ...stored, name }), links: stored.kind === 'dir' ? linksWithin(stored) : 0 };
}
