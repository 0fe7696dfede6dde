import type { Octets } from '../core/base/octets.ts';
import type { Store } from '../core/store/store.ts';
import type { Archive } from '../core/tree/archive.ts';
import type { Tree, TreePath } from '../core/tree/tree.ts';

/** What the commands act on: one tree, its Store and archive, two working directories. Made by the shell. */
export interface Session extends AsyncDisposable {
  /** The open tree. */
  readonly tree: Tree;
  /** The Store that new Blocks go to. */
  readonly store: Store;
  /** Where synced roots are recorded, or undefined for a tree that has none (an ordinary directory). */
  readonly archive: Archive | undefined;
  cwd: TreePath;
  previousCwd: TreePath | undefined;
  /** Absolute local path. */
  localCwd: Octets;
  previousLocalCwd: Octets | undefined;
  /** Settings of `set`: onerror, glob, … */
  readonly settings: Map<string, string>;
  readonly aliases: Map<string, string>;
  /** Opens another source in place of the tree, after syncing this one. */
  open(reference: Octets): Promise<void>;
  /** Syncs the tree and, if its root changed, appends it to the archive; gives the Dirref's text. */
  sync(signal?: AbortSignal): Promise<string>;
  /** Whether `quit` (or the end) has to recite. */
  readonly mustRecite: boolean;
  /** Ends the session after this command, with this exit status (default: what happened so far). */
  quit(status?: number): void;
  /** Runs a line, as typed: for `source`, aliases and tests. */
  runLine(line: string, signal: AbortSignal): Promise<void>;
  /** Lines typed so far, oldest first. */
  readonly history: readonly string[];
}
