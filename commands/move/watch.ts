import { realpathSync, statSync } from 'node:fs';
import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsFromBytes, octetsToText } from '../../core/base/octets.ts';
import { pathBytes } from '../../core/base/system/system-error.ts';
import { capability } from '../../core/store/capability.ts';
import { makeDirs } from '../../core/tree/make-dirs.ts';
import { parentPath } from '../../core/tree/path.ts';
import { defineCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { FILTER_OPTIONS, filterWords, nameFilterOf } from '../parts/filter-options.ts';
import { resolveLocalPath } from '../parts/local-path.ts';
import { beginFollower } from '../parts/move/begin-follower.ts';
import { storeFolderTest } from '../parts/move/store-folders.ts';
import { newMeta, newMode } from '../parts/new-meta.ts';
import { BEGUN_RECORD } from '../parts/records.ts';
import { tellPlan } from '../parts/tell-plan.ts';
import { numberOption } from '../words/number-option.ts';
import { EVERY_SECONDS, everyOption, reportBegun } from './follow.ts';

/** Default seconds between two full scans of a tree. */
const DEFAULT_RESCAN_SECONDS = 3600;

/** `watch`: keeps a Dir in step with a local tree. */
export const watch = defineCommand({
  name: 'watch',
  group: 'move',
  summary: 'keep a stored tree in step with a local directory',
  details: [
    'watch stores LOCALDIR, and then each change in it, as long as the session lasts. It does so once a second at most, and records a root each time. If a file has grown, as a mailbox does, watch reads and stores only what is new. It reads other changed files as a whole. It removes names from NAME that LOCALDIR no longer has; log and get NAME@DATE still have them. wait makes a daemon of it, tails shows its progress, untail ends it.',
    'A file counts as grown if it is longer and its old first and last 4 KiB are unchanged. If a program also changed bytes in between, the next full scan finds them. A full scan (--rescan) reads every file that has changed since the last scan, and finds changes that the system did not report. After a restart watch does not open unchanged files, as with put.',
    '--include, --exclude and the like exclude the same names as with put. Changes below excluded names start no round. Files of rules may change. If an excluded name appears or disappears, watch stores the new times of its directory with the next change there, or at the next full scan.',
    'If storing fails, as on a full disk, watch tries again until it succeeds. It warns once when that begins, and once when it is over. It names what it cannot read, and stores the rest. It makes missing parents of NAME.',
    'For rotated logs use follow, which joins all parts of a log into one file.',
  ],
  changes: true,
  plans: true,
  args: [
    { name: 'localdir', kind: 'local directory', summary: 'a local directory', glob: false },
    { name: 'name', kind: 'stored', summary: 'the stored name; a Dir of that name is replaced', glob: 'refused' },
  ],
  options: [
    {
      name: 'every',
      value: { name: 'SECONDS', kind: 'number', ...EVERY_SECONDS },
      summary: 'seconds between two rounds, at least; default 1',
    },
    {
      name: 'rescan',
      value: { name: 'SECONDS', kind: 'number', min: 1, max: 604_800 },
      summary: 'seconds between two full scans; default 3600',
    },
    { name: 'one-file-system', short: 'x', summary: 'leave out other filesystems below LOCALDIR: mount points become empty Dirs' },
    ...FILTER_OPTIONS,
  ],
  examples: [{ line: 'watch ~/mail mail; wait', says: 'as a daemon: vtftp -c with this line' }],
  records: [BEGUN_RECORD],
  async run(context, input) {
    const { session, diagnostics, signal, plan, output } = context;
    const [local = '', name = ''] = input.args;
    const folder = resolveLocalPath(session.localCwd, local as typeof session.localCwd);
    const target = pathArgument(session, name as typeof folder);
    const shown = octetsToText(folder);
    if (target === '/') throw new UsageError('watch: give a NAME; the root cannot be replaced');
    if (statSync(pathBytes(folder), { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new VtError('EFAILED', `watch "${shown}": it is no directory`);
    const filter = await nameFilterOf(filterWords(input), session.localCwd);
    if (plan) {
      context.wouldChange();
      tellPlan(output, `watch ${output.name(folder)} into ${output.name(target)}`);
      return;
    }
    const [{ WatchGroup }, { EdgeScanner }, { Ingest }, { systemOwnerNames }] = await Promise.all([
      import('../../core/follow/watch-group.ts'),
      import('../../core/blockify/edge-scanner.ts'),
      import('../../core/blockify/ingest/ingest.ts'),
      import('../../core/base/system/owner-names.ts'),
    ]);
    const follower = await beginFollower(context, {
      command: 'watch',
      what: shown,
      target,
      everyMs: everyOption(input),
      make: async (checkpoint) => {
        await makeDirs(session.tree, parentPath(target), newMeta(context, newMode('dir')), { signal });
        return new WatchGroup({
          store: session.store,
          tree: session.tree,
          // The directory that it leads to now.
          folder: octetsFromBytes(realpathSync(pathBytes(folder), 'buffer')),
          target,
          scanner: new EdgeScanner(session.store.edges),
          makeIngest: () => new Ingest(session.store),
          owners: systemOwnerNames(),
          imports: {
            isStoreFolder: storeFolderTest(capability(session.store, 'folders') ?? []),
            oneFilesystem: input.options.has('one-file-system'),
          },
          filter,
          marks: checkpoint?.tails,
          rescanMs: (numberOption(input, 'rescan') ?? DEFAULT_RESCAN_SECONDS) * 1000,
          monotonicMs: () => performance.now(),
          onNotice: (notice) => diagnostics.warn(notice),
        });
      },
    });
    reportBegun(context, 'watching', follower, shown, target);
  },
});
