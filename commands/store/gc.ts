import { UsageError, VtError } from '../../core/base/errors.ts';
import { type Octets, octetsToText } from '../../core/base/octets.ts';
import type { GcCounts } from '../../core/maintain/gc-options.ts';
import { archiveOf } from '../../core/store/archive-of-store.ts';
import { capability } from '../../core/store/capability.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { BUCKET_GRACE_MS, bucketOf, gcOfBucket } from '../parts/bucket-maintenance.ts';
import { countText, sizeText } from '../parts/format.ts';
import { ARCHIVE_OPTION, durationMs, maintain, moreArchives } from '../parts/maintenance.ts';

/** Default grace time: files written within it are kept. Two weeks, as in `git gc`. */
const DEFAULT_GRACE_MS = 14 * 86_400_000;

/** How `--drop` names the journal of a mount. */
const JOURNAL = /^journals\/[0-9a-f-]+$/;

/** `gc`: Blocks that no root needs. */
export const gc = defineCommand({
  name: 'gc',
  group: 'store',
  summary: 'free the space of Blocks that no root of any archive needs',
  changesLocal: true,
  plans: true,
  details: [
    'gc keeps all Blocks of every root of every archive of the Store, however old. It frees others, such as those of interrupted sessions, and of roots whose archive is gone. gc also keeps the roots that the journals of mounts continue. If a journal can never be recovered, `gc --drop journals/ID` moves it to journals/aside in the Store, where status lists it. gc skips data files that were written to within the grace period (--grace, default 14d). It rewrites another data file if that frees at least a fifth of it. Then it copies the needed Blocks to a new file, updates the index, and removes the old file.',
    'Other sessions may run meanwhile. gc keeps Blocks that writing sessions may rely on, and prints the number of those sessions. A later gc frees such Blocks after the sessions have ended. You may interrupt or kill gc at any point.',
    'If the disk is almost or completely full, gc frees space in place, without copying. It makes holes in the data files, and uses a reserve that the Store keeps. --grace 0 also frees Blocks of a command that was interrupted a moment ago. If that was the first command of the Store, use --rootless as well.',
    'In a Store in a bucket gc works in two steps. It copies the needed Blocks out of objects that hold much else, and marks those objects as retired. A later gc removes them when they have been retired for the grace period, by the clock of the service; there the default is 1d. A shorter period is safe only while no other session writes.',
    'gc does not keep a Dirref that is in no archive of the Store. To keep it, open it, pull and sync, or name its archive with --archive. If a Dir or a list of Blocks is missing or damaged, or a line of an archive cannot be read, gc removes nothing and the exit status is 13. If no archive has a root, for example because the archives were lost, gc removes nothing and fails; --rootless then frees everything. If a Dir is undamaged but malformed, gc keeps it, prints its path and its root, and the exit status is 3. --drop removes such a root: its line in the archive becomes a comment, and later roots are numbered one less. If it is the newest, record another first: `touch /; sync`. At a prompt gc asks before --drop and --rootless.',
  ],
  options: [
    { name: 'plan', short: 'n', aliases: ['dry-run'], summary: 'print what gc would free, and do nothing' },
    {
      name: 'grace',
      value: { name: 'TIME', kind: 'text' },
      summary: 'skip data files that were written to within TIME: 12h, 14d, 0',
    },
    ARCHIVE_OPTION,
    {
      name: 'drop',
      value: { name: 'ARCHIVE@N', kind: 'text' },
      summary: 'first remove root N from an archive, numbered as in log, but not the newest; or a journal, as journals/ID',
    },
    { name: 'rootless', summary: 'free everything if no archive has a root' },
  ],
  examples: [
    { line: 'gc -n', says: 'prints what gc would free' },
    { line: 'gc --grace 0', says: 'frees everything that no root needs, however new' },
    { line: 'gc --drop default@3', says: 'removes root 3, and frees what only it needs' },
  ],
  records: [
    {
      name: 'Collected',
      summary: 'the result of a gc',
      fields: {
        plan: 'true?',
        freed_blocks: 'integer',
        freed_bytes: 'integer',
        copied_bytes: 'integer',
        dropped_files: 'integer',
        files: 'integer',
        live_blocks: 'integer',
        roots: 'integer',
        kept_blocks: 'integer',
        kept_bytes: 'integer',
        unreadable: 'text[]?',
        sessions: 'integer',
        seconds: 'number',
      },
    },
    {
      name: 'BucketCollected',
      summary: 'the result of a gc in a bucket',
      fields: {
        plan: 'true?',
        removed_packs: 'integer',
        removed_bytes: 'integer',
        retired_packs: 'integer',
        retired_bytes: 'integer',
        copied_bytes: 'integer',
        packs: 'integer',
        young_packs: 'integer',
        locked_packs: 'integer',
        live_blocks: 'integer',
        roots: 'integer',
        sessions: 'integer',
        unreadable: 'text[]?',
        seconds: 'number',
      },
    },
  ],
  async run(context, { options }) {
    const { session, output, diagnostics, signal, now } = context;
    const plan = context.plan || options.has('plan');
    if (!plan && session.isChanged)
      throw new VtError('EFAILED', 'gc: this session has changes that no archive holds yet', { remedy: 'sync first' });
    const drop = options.get('drop');
    const rootless = options.has('rootless');
    if (!plan && (rootless || drop !== undefined) && !(await isMeant(context, drop))) return;
    if (drop !== undefined && drop !== true) await letGo(context, drop, plan);
    const grace = options.get('grace');
    const graceMs = grace === undefined || grace === true ? DEFAULT_GRACE_MS : durationMs('grace', grace);
    const bucket = await bucketOf(session.store);
    if (bucket !== undefined) {
      if (options.has('archive')) throw new UsageError('gc: --archive is for Stores in folders');
      await gcOfBucket(context, bucket, { graceMs: grace === undefined || grace === true ? BUCKET_GRACE_MS : graceMs, plan, rootless });
      return;
    }
    const [{ gc: collect }, { journalRoots }] = await Promise.all([
      import('../../core/maintain/gc.ts'),
      import('../../fuse/journal/journal-roots.ts'),
    ]);
    const journals = capability(session.store, 'journals');
    const startMs = performance.now();
    const counts = await maintain(
      context,
      'gc',
      !plan,
      async (datadir, view) =>
        await collect(datadir, {
          signal,
          view,
          graceMs,
          plan,
          rootless,
          ...moreArchives(context, options),
          moreRoots: () => journalRoots(journals),
          now,
          onNotice: (notice) => diagnostics.warn(notice),
          onProgress: ({ doing, done }) =>
            diagnostics.progress({
              label: `gc: ${doing}`,
              ...(doing === 'mark' ? { doneBytes: 0, doneItems: done } : { doneBytes: done }),
            }),
        }),
    );
    const seconds = (performance.now() - startMs) / 1000;
    output.record({ ...(plan ? { plan: true } : {}), ...recordOf(counts), seconds: Number(seconds.toFixed(3)) });
    const parts = [
      `${plan ? 'would free' : 'freed'} ${sizeText(counts.freedBytes)} (${countText(counts.freedBlocks, 'Block')}) in ${countText(counts.droppedFiles, 'data file')} of ${counts.files}`,
      ...(counts.copiedBytes > 0 ? [`${sizeText(counts.copiedBytes)} ${plan ? 'to be copied' : 'copied'}`] : []),
      `${countText(counts.liveBlocks, 'Block')} of ${countText(counts.roots, 'root')} stay`,
      ...(counts.keptBlocks > 0
        ? [`${countText(counts.keptBlocks, 'Block')} kept that no root needs (${sizeText(counts.keptBytes)})`]
        : []),
      `${seconds.toFixed(2)} s`,
    ];
    output.line(parts.join('; '));
    for (const text of counts.unreadable) diagnostics.warn(`gc: ${text}; gc keeps it, but not the Blocks that it lists`);
    if (counts.sessions > 0) {
      output.line(
        `${countText(counts.sessions, 'other session is', 'other sessions are')} running: Blocks that they may rely on ${plan ? 'would be' : 'were'} kept`,
      );
    }
    if (counts.unreadable.length > 0)
      throw new VtError('EPARTIAL', `gc: ${countText(counts.unreadable.length, 'Dir')} cannot be read`, {
        remedy: 'gc --drop ARCHIVE@N removes a root',
      });
  },
});

/** Whether somebody at the prompt wants what gives up more than Blocks that nobody needs. */
async function isMeant({ shell }: CommandContext, drop: Octets | true | undefined): Promise<boolean> {
  const what =
    drop === undefined || drop === true
      ? 'Free every Block if no archive has a root'
      : `Remove ${octetsToText(drop)}, and free the Blocks that only it needs`;
  return await shell.confirm(`${what}? It cannot be undone`);
}

/** Drops what `--drop` names: a root of an archive, or the journal of a mount. */
async function letGo(context: CommandContext, word: Octets, plan: boolean): Promise<void> {
  if (plan) throw new UsageError('gc: --drop does nothing in a plan');
  const text = octetsToText(word);
  if (!JOURNAL.test(text)) {
    await dropRoot(context, text);
    return;
  }
  const files = await capability(context.session.store, 'journals')?.setAside(text);
  if (files === undefined) throw new VtError('EUNSUPPORTED', `gc: Store "${context.session.store.name}" has no journals`);
  for (const file of files) context.output.line(`set aside: ${file}`);
}

async function dropRoot(context: CommandContext, word: string): Promise<void> {
  const [, name, number] = /^([^/]+)@(\d{1,15})$/.exec(word) ?? [];
  if (name === undefined || name.startsWith('.')) throw new UsageError(`gc: --drop "${word}": expected ARCHIVE@N, such as default@3`);
  if ((await bucketOf(context.session.store)) === undefined) {
    const [{ requireDatadir }, { viewOf }] = await Promise.all([
      import('../../core/maintain/datadir-of.ts'),
      import('../../core/maintain/store-view.ts'),
    ]);
    requireDatadir(viewOf(context.session.store).below, 'gc', true);
  }
  const archive = archiveOf(context.session.store, name);
  const { signal } = context;
  let count = 0;
  for await (const entry of archive?.entries({ signal }) ?? []) {
    count++;
    if (entry.number === Number(number)) {
      await archive?.lines?.drop([entry], { signal });
      return;
    }
  }
  throw new VtError('EOPEN', `drop root ${number}: archive "${name}" has only ${count}`);
}

function recordOf(counts: GcCounts): Record<string, unknown> {
  return {
    freed_blocks: counts.freedBlocks,
    freed_bytes: counts.freedBytes,
    copied_bytes: counts.copiedBytes,
    dropped_files: counts.droppedFiles,
    files: counts.files,
    live_blocks: counts.liveBlocks,
    roots: counts.roots,
    kept_blocks: counts.keptBlocks,
    kept_bytes: counts.keptBytes,
    ...(counts.unreadable.length > 0 ? { unreadable: counts.unreadable } : {}),
    sessions: counts.sessions,
  };
}
