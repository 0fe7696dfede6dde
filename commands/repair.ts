import { octetsToText } from '../core/base/octets.ts';
import { errorText } from '../core/base/system-error.ts';
import { hashcodeLabel } from '../core/block/hashcode.ts';
import type { Store } from '../core/store/store.ts';
import { defineCommand } from './command.ts';
import { countText } from './format.ts';
import { resolveLocalPath } from './local-path.ts';
import { ARCHIVE_OPTION, FindingsReport, maintain, moreArchives } from './maintenance.ts';

/** `repair`: Blocks that are missing or damaged come back from where they still are. */
export const repair = defineCommand({
  name: 'repair',
  group: 'store',
  summary: 'bring back Blocks that are missing or damaged',
  changesLocal: true,
  plans: true,
  details: [
    'Looks for every Block that a root needs and that is missing or damaged: in another record of the Store itself; in its own record with one flipped bit turned back; in the Store of --from; and in LOCAL files and directories, which are cut into Blocks as put does and stored only where a Block is needed. What comes back is verified and stored anew, and what it leads to is looked for in its turn.',
    'Damage that nobody has come by yet is found by scrub: run that first. What is harmed after all is named as by fsck, and the exit status is then 13.',
  ],
  args: [{ name: 'local', kind: 'local', summary: 'local files and directories that may still hold it', optional: true, repeat: true }],
  options: [
    { name: 'from', short: 'f', value: { name: 'STORE', kind: 'store' }, summary: 'another Store that may have it' },
    ARCHIVE_OPTION,
  ],
  examples: [
    { line: 'repair --from /mnt/backup/store', says: 'take what is missing from a copy' },
    { line: 'repair ~/docs', says: 'take it from files that were put and are still as they were' },
  ],
  async run(context, { args, options }) {
    const { session, output, diagnostics, signal, shell, plan } = context;
    if (plan) {
      output.line('would look for Blocks that are missing or damaged');
      return;
    }
    const { repair: mend } = await import('../core/maintain/repair.ts');
    const report = await FindingsReport.make(context);
    const from = options.get('from');
    const sources: Store[] = from === undefined || from === true ? [] : [await shell.openStore(octetsToText(from))];
    try {
      const counts = await maintain(
        context,
        'repair',
        true,
        async (datadir) =>
          await mend(datadir, {
            signal,
            sources,
            files: args.map((word) => resolveLocalPath(session.localCwd, word)),
            ...moreArchives(context, options),
            onFinding: (finding) => report.add(finding),
            onRepaired(hashcode, where) {
              output.record({ repaired: hashcodeLabel(hashcode), from: where });
              output.line(`Block H{${hashcodeLabel(hashcode)}}: from ${where}`);
            },
            onFailure: (where, error) => diagnostics.failure(`repair from "${where}": ${errorText(error)}`),
            onProgress: ({ doing, done }) => diagnostics.progress({ label: `repair: ${doing}`, doneBytes: 0, doneItems: done }),
          }),
      );
      output.record({
        repair: counts.missing === 0 ? 'whole' : 'faults',
        repaired_blocks: counts.repaired,
        missing_blocks: counts.missing,
      });
      const rest = counts.missing === 0 ? 'every root is whole' : `${countText(counts.missing, 'Block')} still missing or damaged`;
      output.line(`${countText(counts.repaired, 'Block')} brought back; ${rest}`);
      report.end('repair');
    } finally {
      for (const source of sources) await source[Symbol.asyncDispose]();
    }
  },
});
