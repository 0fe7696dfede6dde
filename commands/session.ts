import type { Archive, RecordedDir } from '../core/archive/archive.ts';
import type { ArchiveLine } from '../core/archive/archive-line.ts';
import type { Octets } from '../core/base/octets.ts';
import type { TailTable } from '../core/follow/tail-table.ts';
import type { RecordAs } from '../core/history/ancestry.ts';
import type { PeerTable } from '../core/openers/peer-table.ts';
import type { ServedMount } from '../core/store/capabilities.ts';
import type { Store } from '../core/store/store.ts';
import type { TreePath } from '../core/tree/path.ts';
import type { Tree } from '../core/tree/tree.ts';

/** A source that is open beside that of the session. */
export interface OtherSource extends AsyncDisposable {
  readonly tree: Tree;
  /** Where its Blocks are. */
  readonly store: Store;
  readonly archive: Archive | undefined;
  /** The number of its state in the archive, where that was named. */
  readonly number?: number | undefined;
  /** It is an ordinary directory: its files are no Blocks. */
  readonly isDirectory: boolean;
  /** What is at its top: what a mount shows. */
  readonly start: TreePath;
}

/** A place that has a name: `open NAME` goes there. */
export interface Bookmark {
  readonly name: string;
  /** What `open` takes. */
  readonly source: Octets;
  /** The working path there. */
  readonly path: TreePath;
}

/** A line that runs in the background, or did: `LINE &`. */
export interface Job {
  readonly number: number;
  readonly line: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** The exit status that it ended with; 0 while it runs. */
  readonly status: number;
  /** What it failed with. */
  readonly error: unknown;
  /** How far it is, on one line; undefined where nothing is known. */
  progress(): string | undefined;
}

/** The jobs of a session: those that run, and those that have ended and nobody has waited for. */
export interface Jobs {
  readonly list: readonly Job[];
  readonly running: readonly Job[];
  /** Cancels jobs. @throws {UsageError} for one that is not there */
  kill(numbers: readonly number[]): void;
  /** Waits until jobs have ended, or the signal fires. @param numbers - none are all @returns those that have ended, which are forgotten */
  wait(numbers: readonly number[], signal: AbortSignal): Promise<readonly Job[]>;
}

/** What every command acts on: one tree, its Store and archive, a working path. Made by the shell. */
export interface Session {
  /** The open tree. */
  readonly tree: Tree;
  /** The Store that new Blocks go to. */
  readonly store: Store;
  /** Where synced roots are recorded, or undefined for a tree that has none (an ordinary directory). */
  readonly archive: Archive | undefined;
  /** What that is called in its Store; undefined where it is none of the Store's. */
  readonly archiveName: string | undefined;
  /** Whether the tree was opened by its Dirref, so that it may be here in part. */
  readonly isReference: boolean;
  cwd: TreePath;
  previousCwd: TreePath | undefined;
  /** Settings of `set`: onerror, glob, … */
  readonly settings: Map<string, string>;
  readonly aliases: Map<string, string>;
  /**
   * Opens a past state beside the one that is shown; the caller disposes of its tree.
   *
   * @param spec - a number of the archive, back from its end where negative, or a date; without the `@`
   * @throws {VtError} EUSAGE for what is neither, EOPEN where none is recorded, EFAILED where there is no archive
   */
  stateAt(spec: string, signal?: AbortSignal): Promise<{ readonly view: string; readonly tree: Tree }>;
  /**
   * Stores the tree, sees to it that its root is recorded in the archive, and gives the Dirref's text.
   *
   * @param as - it is recorded so, also where it is the newest already
   */
  sync(signal?: AbortSignal, as?: RecordAs): Promise<string>;
  /** Records the tree where it has something at a path that no recorded state has there: before that is removed or replaced. */
  recordBefore(path: TreePath, signal?: AbortSignal): Promise<void>;
  /** A command is about to change the tree: it is noted with the next root. @returns takes that back, if the command changes nothing */
  note(command: string): () => void;
  /** The next sync notes a message with its root. @throws {VtError} EUNSUPPORTED where another process records the roots */
  describe(message: string): void;
  /** Whether the tree is another than the one that was recorded last. */
  readonly isChanged: boolean;
  /** The Dirref of the tree as it is, where that is recorded. */
  readonly dirref: string | undefined;
  /** Blocks of the tree have come that were not here: the next sync records it, also where it is as it was opened. */
  keep(signal?: AbortSignal): Promise<void>;
}

/** The session of a shell that somebody started on this machine: it reaches local files, other sources and other Stores. */
export interface LocalSession extends Session, AsyncDisposable {
  /** Other Stores, which Blocks are pulled from and pushed to. */
  readonly peers: PeerTable;
  /** The mount whose live tree this is; undefined for a tree of this session's own. */
  readonly attachedTo: ServedMount | undefined;
  /** Lines that run in the background. */
  readonly jobs: Jobs;
  /** What local files parts of the tree are kept in step with. */
  readonly tails: TailTable;
  /** Absolute local path. */
  localCwd: Octets;
  previousLocalCwd: Octets | undefined;
  /** The past state that `tree` shows, read-only (`@3`, `@2026-11-22`), or undefined at the present one. */
  readonly view: string | undefined;
  /** The view that `previousCwd` belongs to. */
  previousView: string | undefined;
  /** Shows a past state in place of the present one, or goes back to that (undefined, `@`); the working path stays if it is there. */
  visit(view: string | undefined, signal?: AbortSignal): Promise<void>;
  /** Opens another source in place of the tree, after syncing this one. */
  open(reference: Octets, signal?: AbortSignal): Promise<void>;
  /** Opens another source beside the tree, to read of. The caller closes it. */
  openOther(reference: Octets, signal?: AbortSignal): Promise<OtherSource>;
  /** Takes over what another session has recorded meanwhile, where nothing was changed here. */
  refresh(signal?: AbortSignal): Promise<void>;
  /** As `refresh`; what was changed here is merged with it, by the rules of any merge, and waits for the next sync as before. */
  takeIn(signal?: AbortSignal): Promise<void>;
  /**
   * Keeps the tree the same object until the function given is called: what others recorded is brought onto it, and no
   * other source is opened.
   */
  pin(): () => void;
  /** Whether the tree has to stay the same object: see {@link LocalSession.pin}. */
  readonly isPinned: boolean;
  /** Closes the tree and its Store for some work on that, and opens the same again, whatever came of it. Nothing is synced. */
  whileClosed(work: () => void, signal?: AbortSignal): Promise<void>;
  /** The bookmarks of the user, by name. */
  readonly bookmarks: readonly Bookmark[];
  /** Writes all bookmarks of the user again. */
  keepBookmarks(bookmarks: readonly Bookmark[]): void;
  /** What `open` takes to come to a source again from anywhere on this machine; without one, to the tree that is open. */
  addressOf(source: Octets | undefined): Octets;
  /** The words of a command line that open a source as this session would, or the same that this one has open. */
  reopenWords(source: Octets | undefined): readonly string[];
  /**
   * Makes the tree a recorded state, and records that as the newest. The working path stays where it is a Dir there.
   *
   * @param action - for messages
   * @param newest - the newest entry of the archive as far as the caller knows
   * @throws {VtError} EFAILED where another session has recorded a root after that: nothing is changed then
   */
  become(action: string, target: RecordedDir, newest: ArchiveLine | undefined, signal?: AbortSignal): Promise<void>;
  /** Whether `quit` (or the end) has to recite. */
  readonly mustRecite: boolean;
  /** Ends the session after this command, with this exit status (default: what happened so far). */
  quit(status?: number): void;
  /**
   * Runs the lines of a local file until one fails: for `source`.
   *
   * @param path - absolute
   * @param name - put before what goes wrong, as `NAME:LINE`
   * @throws {VtError} EOPEN where it cannot be read; else what the line threw
   */
  runScript(path: Octets, name: string, signal: AbortSignal): Promise<void>;
  /** Lines typed so far, oldest first. */
  readonly history: readonly string[];
}
