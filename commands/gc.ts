import { VtError } from '../core/base/errors.ts';
import type { GcCounts } from '../core/maintain/gc.ts';
import { defineCommand } from './command.ts';
import { countText, sizeText } from './format.ts';
import { ARCHIVE_OPTION, durationMs, maintain, moreArchives } from './maintenance.ts';

/** What was written to within this time is left alone where nothing is said: two weeks, as `git gc` has it. */
const DEFAULT_GRACE_MS = 14 * 86_400_000;

/** `gc`: Blocks that no root needs. */
export const gc = defineCommand({
  name: 'gc',
  group: 'store',
  summary: 'remove Blocks that no root of any archive needs',
  changesLocal: true,
  plans: true,
  details: [
    'gc keeps every root of every archive of the Store whole, however old. The rest comes from sessions that were broken off, and from roots whose archive is gone. gc leaves alone data files that were written to within the grace period (--grace, default 14d). It rewrites another data file if that frees at least a fifth: it copies what is needed to a new file, updates the index, and removes the old file.',
    'Other sessions keep running. gc keeps what those that write may count on, and says how many they are. It removes that when it runs after their end, or twice while later sessions run. gc may be interrupted or killed at any point.',
    'A Dirref that is in no archive of the Store is not kept. Open it, pull and sync, or name the archive that has it with --archive. If something that leads to Blocks is missing or damaged, or a line of an archive cannot be read, gc removes nothing and the exit status is 13.',
  ],
  options: [
    { name: 'plan', short: 'n', summary: 'print what would be freed, and do nothing' },
    {
      name: 'grace',
      value: { name: 'TIME', kind: 'text' },
      summary: 'leave alone data files that were written to within this time: 12h, 14d, 0',
    },
    ARCHIVE_OPTION,
  ],
  examples: [
    { line: 'gc -n', says: 'what would be freed?' },
    { line: 'gc --grace 0', says: 'free everything that nobody needs' },
  ],
  async run(context, { options }) {
    const { session, output, diagnostics, signal, now } = context;
    const plan = context.plan || options.has('plan');
    if (!plan && session.isChanged)
      throw new VtError('EFAILED', 'gc: this session has changes that no archive holds yet', { remedy: 'sync first' });
    const grace = options.get('grace');
    const graceMs = grace === undefined || grace === true ? DEFAULT_GRACE_MS : durationMs('grace', grace);
    const { gc: collect } = await import('../core/maintain/gc.ts');
    const startMs = performance.now();
    const counts = await maintain(
      context,
      'gc',
      !plan,
      async (datadir) =>
        await collect(datadir, {
          signal,
          graceMs,
          plan,
          ...moreArchives(context, options),
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
    if (counts.sessions > 0) {
      output.line(
        `${countText(counts.sessions, 'other session is', 'other sessions are')} at work: what they may count on ${plan ? 'would be' : 'was'} kept`,
      );
    }
  },
});

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
    sessions: counts.sessions,
  };
}
