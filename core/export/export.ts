import { availableParallelism } from 'node:os';
import { throwIfCancelled } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { atCalls } from '../base/system/choose-at-calls.ts';
import type { OwnerNames } from '../base/system/owner-names.ts';
import { systemOwnerNames } from '../base/system/owner-names.ts';
import { threadsAtMost } from '../base/system/thread-room.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { DirFilter } from '../filter/dir-filter.ts';
import type { Store } from '../store/store.ts';
import type { OwnerPolicy } from './export-attributes.ts';
import type { ExportCounts, ExportFailure } from './export-report.ts';
import { ExportRun } from './export-run.ts';
import type { WalkStep } from './export-walk.ts';
import { walkForExport } from './export-walk.ts';
import { temporaryPrefix } from './temporary-names.ts';

export interface ExportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: `names` for root, `none` for other users. */
  readonly owner?: OwnerPolicy;
  /** Default: the names of this machine. */
  readonly names?: OwnerNames;
  /** Runs of NUL become holes; default true. */
  readonly sparse?: boolean;
  /** Whether existing nodes are replaced (default) or kept. */
  readonly existing?: 'replace' | 'keep';
  /** Keep existing nodes with the same type, size and modification time; default false. */
  readonly resume?: boolean;
  /** False: leave out devices, and metadata that grants rights: setuid, setgid, owners, capabilities, ACLs. Default true. */
  readonly special?: boolean;
  /** The rules at the top. Excluded names are skipped. */
  readonly filter?: DirFilter | undefined;
  /** An existing directory at the target keeps its own metadata; default false. */
  readonly keepsTopMeta?: boolean;
  /** Worker threads besides the calling one, which works too. Default: one less than the processors, but 1 or 2. */
  readonly workers?: number;
  readonly onFailure?: (failure: ExportFailure) => void;
  /** Called after each batch. */
  readonly onProgress?: (counts: Readonly<ExportCounts>) => void;
  /** Called once if a hard link becomes a copy. */
  readonly onNotice?: (notice: string) => void;
  /** Whether the target's filesystem ignores case in names; default: found out by a test file. */
  readonly foldsCase?: boolean;
  /** For exports of many single nodes: the directories in which leftovers of killed exports were already removed. */
  readonly swept?: Set<string>;
  /** System calls for the calling thread; default: those of this machine. */
  readonly at?: AtCalls;
}

/** The default policy: `names` for root, who may set owners, else `none`. */
export function defaultOwnerPolicy(): OwnerPolicy {
  return process.geteuid?.() === 0 ? 'names' : 'none';
}

/**
 * Writes a stored tree, or a single node, to the local filesystem. Every Block is verified. Files get their final names when they are
 * complete. Nothing is written outside the target, and symlinks at or below it are not followed. Local names that the tree lacks are
 * kept. Failures of single nodes are reported and counted, and the export continues.
 *
 * @param source - the Store of the tree's Blocks
 * @param dirent - must be self-contained
 * @param target - absolute local path of the node itself; its parent directory must exist
 * @throws {VtError} if the export cannot start, the disk is full, or the signal fires
 */
export async function exportDirent(source: Store, dirent: Dirent, target: Octets, options: ExportOptions = {}): Promise<ExportCounts> {
  const { signal } = options;
  throwIfCancelled(signal);
  const run = new ExportRun({
    source,
    at: options.at ?? atCalls(),
    target,
    swept: options.swept ?? new Set(),
    owner: options.owner ?? defaultOwnerPolicy(),
    names: options.names ?? systemOwnerNames(),
    sparse: options.sparse ?? true,
    existing: options.existing ?? 'replace',
    resume: options.resume ?? false,
    keepsTopMeta: options.keepsTopMeta ?? false,
    workers: options.workers ?? threadsAtMost(Math.max(1, Math.min(2, availableParallelism() - 1))),
    signal,
    onFailure: options.onFailure,
    onProgress: options.onProgress,
    foldsCase: options.foldsCase,
    temporaryPrefix: temporaryPrefix(),
    onNotice: options.onNotice,
  });
  try {
    const walk = walkForExport(source, dirent, options);
    let answer: Answer;
    for (;;) {
      const { value: step, done } = await walk.next(answer);
      if (done === true || step === undefined) break;
      const taken = takeStep(run, step);
      // Most files are only queued. A promise for each would take as long as the rest.
      answer = taken instanceof Promise ? await taken : taken;
      throwIfCancelled(signal);
      run.report.throwIfFatal();
    }
    await run.finish();
  } catch (error) {
    await run.abandon();
    throw error;
  }
  return run.report.counts;
}

type Answer = 'skip' | undefined;

function takeStep(run: ExportRun, step: WalkStep): Promise<Answer> | Answer {
  switch (step.kind) {
    case 'enter':
      return enter(run, step);
    case 'leave':
      run.leave();
      return undefined;
    case 'node':
      return run.node(step)?.then(() => undefined);
    case 'omitted':
      run.report.counts.omitted++;
      return undefined;
    case 'damage':
      run.report.fail(step.path, step.error);
      return undefined;
  }
}

async function enter(run: ExportRun, step: Extract<WalkStep, { kind: 'enter' }>): Promise<Answer> {
  await run.room();
  return run.enter(step) ? undefined : 'skip';
}
