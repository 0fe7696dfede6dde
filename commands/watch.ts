import { realpathSync, statSync } from 'node:fs';
import { UsageError, VtError } from '../core/base/errors.ts';
import { octetsFromBytes, octetsToText } from '../core/base/octets.ts';
import { pathBytes } from '../core/base/system-error.ts';
import { capability } from '../core/store/capability.ts';
import { makeDirs } from '../core/tree/make-dirs.ts';
import { parentPath } from '../core/tree/path.ts';
import { beginFollower } from './begin-follower.ts';
import type { CommandInput } from './command.ts';
import { defineCommand } from './command.ts';
import { pathArgument } from './entry.ts';
import { FILTER_OPTIONS, filterWords, nameFilterOf } from './filter-options.ts';
import { everyOption, reportBegun } from './follow.ts';
import { resolveLocalPath } from './local-path.ts';
import { newMeta, newMode } from './new-meta.ts';
import { storeFolderTest } from './store-folders.ts';

/** Seconds between two looks at all of a tree where nobody says otherwise. */
const DEFAULT_RESCAN_SECONDS = 3600;

/** `watch`: a local tree, kept in step. */
export const watch = defineCommand({
  name: 'watch',
  group: 'move',
  summary: 'keep a whole local tree in step, as put would store it',
  details: [
    'LOCALDIR is put, and from then on, as long as the session lasts, whatever changes in it: a round a second at most, each of which records a root. Of a file that has grown, a mailbox or a recording, only what is new is read and stored; other files that changed are read as a whole, and names that are gone are gone from NAME (log and get NAME@DATE have them). wait makes a daemon of it; tails shows how far it is; untail ends it.',
    'A file is taken to have grown if it is longer and its first and last 4 KiB are as they were; a program that changed something in between as well is found out by the look at all of it, which reads every file that has changed since the last one (--rescan). That finds what the system did not tell of, too. After a restart files that are as they were are not opened, as with put.',
    'What --include, --exclude and the like leave out of a put is left out here as well, and changes there make no round; files of rules may change. The times of a directory in which an excluded name comes or goes are taken over with the next change in it, or look at all.',
    'A round that fails, as on a full disk, is made again until it succeeds; one warning says when that begins, and one when it is over. What cannot be read is named, and the rest goes on. Dirs above NAME are made.',
    'To go on through the rotation of logs, which are one content then, use follow.',
  ],
  changes: true,
  plans: true,
  args: [
    { name: 'localdir', kind: 'local directory', summary: 'a local directory', glob: false },
    { name: 'name', kind: 'stored', summary: 'what it becomes; a Dir that is there is replaced', glob: false },
  ],
  options: [
    { name: 'every', value: { name: 'SECONDS', kind: 'number' }, summary: 'between two rounds, at least (1)' },
    { name: 'rescan', value: { name: 'SECONDS', kind: 'number' }, summary: 'between two looks at all of it (3600)' },
    { name: 'one-file-system', short: 'x', summary: 'leave out what is mounted below LOCALDIR: mount points become empty Dirs' },
    ...FILTER_OPTIONS,
  ],
  examples: [{ line: 'watch ~/mail mail; wait', says: 'as a daemon: vtftp -c with this line' }],
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
      output.line(`would watch ${output.name(folder)} into ${output.name(target)}`);
      return;
    }
    const [{ WatchGroup }, { EdgeScanner }, { Ingest }, { systemOwnerNames }] = await Promise.all([
      import('../core/tail/watch-group.ts'),
      import('../core/blockify/edge-scanner.ts'),
      import('../core/blockify/ingest.ts'),
      import('../core/base/owner-names.ts'),
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
          rescanMs: rescanOption(input) * 1000,
          monotonicMs: () => performance.now(),
          onNotice: (notice) => diagnostics.warn(notice),
        });
      },
    });
    reportBegun(context, 'watching', follower, shown, target);
  },
});

function rescanOption({ options }: CommandInput): number {
  const value = options.get('rescan');
  if (value === undefined || value === true) return DEFAULT_RESCAN_SECONDS;
  const seconds = Number(value);
  if (!(seconds > 0 && seconds <= 604_800)) throw new UsageError(`watch --rescan "${octetsToText(value)}": expected seconds, up to 604800`);
  return seconds;
}
