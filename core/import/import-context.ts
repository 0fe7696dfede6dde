import type { Octets } from '../base/octets.ts';
import type { NodeStat } from '../base/system/node-stat.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import type { Ingest } from '../blockify/ingest/ingest.ts';
import type { Dirent, IndirectDirent } from '../dirent/dirent.ts';
import { encodeDirent } from '../dirent/dirent-codec.ts';
import { linksWithin } from '../tree/live/live-node.ts';
import type { CachedEntry } from './import-cache.ts';
import type { EntryOutcome } from './import-dir.ts';
import type { ImportedLinks } from './import-links.ts';
import type { LocalDir } from './local-dir.ts';

/** A node as it is stored, self-contained. */
export type StoredNode = Exclude<Dirent, IndirectDirent>;

/** What an import met of local nodes. */
export interface NodeCounts {
  files: number;
  /** Octets of the content of files, those of unchanged ones included; a hard-linked file counts once. */
  bytes: number;
  dirs: number;
  /** Symlinks, FIFOs, sockets and devices, and further names of hard links. */
  others: number;
  /** Files that were not opened, since they are as an earlier import left them. */
  unchangedFiles: number;
  unchangedBytes: number;
  /** Names that the rules leave out; not those below them. */
  excluded: number;
  /** Nodes that failed, each told to `onFailure`. */
  failures: number;
}

/** What the parts of an import share. */
export interface ImportContext {
  readonly ingest: Ingest;
  readonly owners: OwnerNames;
  readonly links: ImportedLinks;
  readonly counts: NodeCounts;
  /** Read every file, whatever is remembered of it. */
  readonly reread: boolean;
  /** The MIME type that content is found to have is kept, where it has none. */
  readonly keepsTypes: boolean;
  /** The path from the top of the import: the same wherever the tree lies. */
  relative(place: NodePlace): Octets;
  /** Reports a node that is left out, or stored in a state that never was. */
  fail(place: NodePlace, error: unknown): void;
  /** Reports what cannot be read of a node, and gives what is stored of the node so far; undefined where nothing is, or the node is gone. */
  keep(place: NodePlace, error: unknown): Promise<StoredNode | undefined>;
  /** Ends the import: the pipeline itself failed. */
  end(error: unknown): void;
}

/** Where a node is; its path is made only where somebody is told of it. */
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

/** Of a node that is left out. */
export const LEFT_OUT: EntryOutcome = { record: undefined };

/** Of a node whose stored state stays, where there is one. */
export function keptOutcome(name: Octets, stored: StoredNode | undefined): EntryOutcome {
  if (stored === undefined) return LEFT_OUT;
  return { record: encodeDirent({ ...stored, name }), links: stored.kind === 'dir' ? linksWithin(stored) : 0 };
}
