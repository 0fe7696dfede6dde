import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Archive } from '../../core/archive/archive.ts';
import { VtError, type VtErrorCode } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { makeFolders } from '../../core/base/system/make-folders.ts';
import { errorText } from '../../core/base/system/system-error.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { archiveOf } from '../../core/store/archive-of-store.ts';
import { canWrite } from '../../core/store/capability.ts';
import type { LeftJournal, LeftOutcome, StoreJournals } from '../../core/store/journals.ts';
import type { Store } from '../../core/store/store.ts';
import { openLiveTree } from '../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { decodeJournalRecord, encodeJournalRecord, type RootMark } from '../../fuse/journal/journal-records.ts';
import { leftChanges } from '../../fuse/journal/left-changes.ts';
import { replay } from '../../fuse/journal/replay.ts';
import { Authorship } from './authorship.ts';
import { mergeRoots } from './merge-roots.ts';
import type { SourceOptions } from './opened-source.ts';
import { RootRecord } from './root-record.ts';

/** Paths that a notice names, at most. */
const MAX_NAMED = 5;

/** Errors that a later try cannot overcome. */
const LASTING: ReadonlySet<VtErrorCode> = new Set(['EMISSING', 'ECORRUPT', 'EPARSE']);

type Told = Pick<SourceOptions, 'now' | 'onNotice' | 'places'>;

/**
 * Records the changes that programs synced on mounts whose process was killed. They form a state after the one that the mount had, merged
 * with states that others recorded since. Changes that cannot be recorded now, for example in a read-only Store, are reported and left to a
 * later session.
 */
export async function recoverJournals(store: Store, journals: StoreJournals, told: Told): Promise<void> {
  if (!canWrite(store)) {
    if (mayHoldChanges(journals))
      told.onNotice(`Store "${store.name}" is read-only here: changes that a killed mount synced after the newest state are not shown`);
    return;
  }
  await journals.recover(async (journal) => {
    try {
      await recover(store, journal, told);
      return 'remove';
    } catch (error) {
      // Some errors pass, such as a full disk; lost data does not return.
      const wayOut = error instanceof VtError && LASTING.has(error.code) ? `; gc --drop ${journal.name} sets it aside` : '';
      told.onNotice(`Store "${store.name}": changes that a killed mount had synced are not recorded yet: ${errorText(error)}${wayOut}`);
      return 'keep' satisfies LeftOutcome;
    }
  });
}

async function recover(store: Store, journal: LeftJournal, { now, onNotice, places }: Told): Promise<void> {
  const isWhole = journal.files.every((file) => file.isWhole);
  /** Must run before anything is recorded: after a kill the journal would count as done. */
  const keepRest = (fact: string): void => {
    const folder = journal.copyAside();
    onNotice(
      `Store "${store.name}": changes that a killed mount had synced are recorded only in part: ${fact}; the journal is kept in its folder ${folder}`,
    );
  };
  const damage = 'a part of the journal is damaged';
  const isRecorded = async (name: string, mark: RootMark): Promise<boolean> => {
    const archive = archiveOf(store, name);
    return archive !== undefined && (await hasLine(archive, mark));
  };
  const left = await leftChanges(journal, isRecorded);
  if (left === undefined) {
    if (!isWhole) keepRest(damage);
    return;
  }
  const archive = archiveOf(store, left.archive);
  const author = new Authorship();
  author.note('recovered from the journal of a mount');
  const source = { tree: openLiveTree(store, left.base), store, archive, base: left.base };
  const record = new RootRecord(source, { now, warn: onNotice, author });
  const { root: ours, refused } = await replay(store, left, frontFolder(places.cache));
  const merge = async (base: DirDirent | undefined, theirs: DirDirent): Promise<DirDirent> =>
    await mergeRoots(store, base, ours, theirs, { warn: onNotice, now: now() });
  if (refused.length > 0) keepRest(refusedText(refused));
  else if (!isWhole) keepRest(damage);
  await record.append(ours, merge, {
    // If a kill follows, the next recovery sees by that line that the journal is done.
    before: async ({ whenNs, dirent }) => await journal.append(encodeJournalRecord({ kind: 'root', ours, whenNs, recorded: dirent })),
  });
}

function refusedText(refused: readonly TreePath[]): string {
  const names = refused.slice(0, MAX_NAMED).map((path) => `"${octetsToText(path)}"`);
  return `${refused.length} changes do not fit its tree: ${names.join(', ')}${refused.length > MAX_NAMED ? ', …' : ''}`;
}

function mayHoldChanges(journals: StoreJournals): boolean {
  try {
    for (const { records } of journals.look()) if (records.some((payload) => decodeJournalRecord(payload).kind === 'changes')) return true;
    return false;
  } catch {
    // It belongs to another user or a later version.
    return true;
  }
}

async function hasLine(archive: Archive, { whenNs, recorded }: RootMark): Promise<boolean> {
  const text = formatDirent(recorded);
  for await (const entry of archive.newestFirst?.() ?? archive.entries())
    if (entry.whenNs === whenNs && formatDirent(entry.dirent) === text) return true;
  return false;
}

function frontFolder(cache: string | undefined): string {
  if (cache === undefined) return tmpdir();
  const folder = join(cache, 'front');
  makeFolders(folder, 0o700);
  return folder;
}
