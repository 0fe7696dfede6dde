import { lstatSync } from 'node:fs';
import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { errorText, pathBytes } from '../../core/base/system/system-error.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import { hashcodeLabel } from '../../core/block/hashcode.ts';
import type { Finding } from '../../core/maintain/findings.ts';
import type { Store } from '../../core/store/store.ts';
import { defineCommand } from '../command.ts';
import { bucketOf } from '../parts/bucket-maintenance.ts';
import { countText } from '../parts/format.ts';
import { resolveLocalPath } from '../parts/local-path.ts';
import { ARCHIVE_OPTION, FindingsReport, maintain, moreArchives } from '../parts/maintenance.ts';
import { FINDING_RECORD } from '../parts/records.ts';
import { tellPlan } from '../parts/tell-plan.ts';

/** `repair`: Blocks that are missing or damaged come back from where they still are. */
export const repair = defineCommand({
  name: 'repair',
  group: 'store',
  summary: 'bring back Blocks that are missing or damaged',
  changesLocal: true,
  plans: true,
  details: [
    'repair searches for every missing or damaged Block that a root needs. It searches the Store of --from and, in a datadir, other records; it also tries to flip each bit of the damaged record. It cuts LOCAL files and directories into Blocks as put does, and stores only those that are needed. It verifies each Block that it finds, stores it again, and then searches for missing Blocks below it.',
    'Run scrub first: it finds damage that no command has reported yet. If paths stay damaged, repair names them as fsck does, and the exit status is 13.',
  ],
  args: [{ name: 'local', kind: 'local', summary: 'local files and directories that may have the data', optional: true, repeat: true }],
  options: [
    { name: 'from', short: 'f', value: { name: 'STORE', kind: 'store' }, summary: 'another Store that may have the Blocks' },
    ARCHIVE_OPTION,
  ],
  examples: [
    { line: 'repair --from /mnt/backup/store', says: 'takes missing Blocks from a copy of the Store' },
    { line: 'repair ~/docs', says: 'takes them from the local files, if those are unchanged' },
  ],
  records: [
    FINDING_RECORD,
    { name: 'BlockRepaired', summary: 'a Block that was restored', fields: { repaired: 'text', from: 'text' } },
    {
      name: 'Repaired',
      summary: 'the end of a repair',
      fields: { repair: { choices: ['whole', 'faults'] }, repaired_blocks: 'integer', missing_blocks: 'integer' },
    },
  ],
  async run(context, { args, options }) {
    const { session, output, diagnostics, signal, shell, plan } = context;
    if (plan) {
      tellPlan(output, 'look for Blocks that are missing or damaged');
      return;
    }
    const files = args.map((word) => resolveLocalPath(session.localCwd, word));
    // A name that is not there is an error, also where nothing is amiss.
    for (const file of files) lstatSync(pathBytes(file));
    const { repair: mend } = await import('../../core/maintain/repair.ts');
    const bucket = await bucketOf(session.store);
    if (bucket !== undefined && options.has('archive')) throw new UsageError('repair: --archive is for Stores in folders');
    const report = await FindingsReport.make(context);
    const from = options.get('from');
    const sources: Store[] = from === undefined || from === true ? [] : [await shell.openStore(octetsToText(from), { signal })];
    try {
      const hooks = {
        signal,
        sources,
        files,
        onFinding: (finding: Finding) => report.add(finding),
        onRepaired(hashcode: HashCode, where: string) {
          output.record({ repaired: hashcodeLabel(hashcode), from: where });
          output.line(`Block H{${hashcodeLabel(hashcode)}}: from ${where}`);
        },
        onFailure: (where: string, error: unknown) =>
          diagnostics.failure(new VtError('EFAILED', `repair from "${where}": ${errorText(error)}`, { cause: error })),
        onProgress: ({ doing, done }: { readonly doing: string; readonly done: number }) =>
          diagnostics.progress({ label: `repair: ${doing}`, doneBytes: 0, doneItems: done }),
      };
      const counts =
        bucket === undefined
          ? await maintain(
              context,
              'repair',
              true,
              async (datadir, view) => await mend(datadir, { ...hooks, view, ...moreArchives(context, options) }),
            )
          : await (await import('../../core/s3/bucket-repair.ts')).repairBucket(bucket.bucket, { ...hooks, view: bucket.view });
      output.record({
        repair: counts.missing === 0 ? 'whole' : 'faults',
        repaired_blocks: counts.repaired,
        missing_blocks: counts.missing,
      });
      const rest = counts.missing === 0 ? 'every root is complete' : `${countText(counts.missing, 'Block')} still missing or damaged`;
      output.line(`${countText(counts.repaired, 'Block')} brought back; ${rest}`);
      report.end('repair');
    } finally {
      for (const source of sources) await source[Symbol.asyncDispose]();
    }
  },
});
