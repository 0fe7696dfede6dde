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
  /** Default: by names for root, none for others. */
  readonly owner?: OwnerPolicy;
  /** Default: this machine's. */
  readonly names?: OwnerNames;
  /** Runs of NUL become holes; default true. */
  readonly sparse?: boolean;
  /** What to do with what is there already: replace it (default), or leave it alone. */
  readonly existing?: 'replace' | 'keep';
  /** Leave alone what is of the same size and modification time; default false. */
  readonly resume?: boolean;
  /** False: no devices, and nothing that gives rights: setuid, setgid, owners, capabilities, ACLs. Default true. */
  readonly special?: boolean;
  /** The rules as they hold at the top: names that they exclude are passed over. */
  readonly filter?: DirFilter | undefined;
  /** A directory that is at the target keeps its own metadata; default false. */
  readonly keepsTopMeta?: boolean;
  /** Worker threads besides the calling one, which works too; default one less than there are processors, 1 or 2. */
  readonly workers?: number;
  readonly onFailure?: (failure: ExportFailure) => void;
  /** Called after each batch. */
  readonly onProgress?: (counts: Readonly<ExportCounts>) => void;
  /** Called once with what comes out in another way than it was: nodes with fewer names than they had. */
  readonly onNotice?: (notice: string) => void;
  /** Whether the target has names without regard to case; default: tried out. */
  readonly foldsCase?: boolean;
  /** For exports of many single nodes: directories that were looked through already for what killed exports left. */
  readonly swept?: Set<string>;
  /** System calls of the calling thread; default: this machine's. */
  readonly at?: AtCalls;
}

/** Restores owners where that is possible. */
export function defaultOwnerPolicy(): OwnerPolicy {
  return process.geteuid?.() === 0 ? 'names' : 'none';
}

/**
 * Makes a stored tree, or a single node, a local one. Every Block is verified. Files get their final names when they are
 * complete. Nothing is written outside the target, and no symlink at it or in it is followed. Local names that the tree does not
 * have are left alone. Failures of single nodes are reported and counted, and the rest continues.
 *
 * @param source - the Store of its Blocks
 * @param dirent - self-contained
 * @param target - absolute local path, which will be the node itself; the directory that it is in must exist
 * @throws {VtError} if nothing can be done at all, the disk is full, or the signal fires
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
      // Most files are queued at once: a promise each would take as long as the rest of it.
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
