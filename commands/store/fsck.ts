import { UsageError } from '../../core/base/errors.ts';
import { defineCommand } from '../command.ts';
import { bucketOf, fsckOfBucket } from '../parts/bucket-maintenance.ts';
import { countText, sizeText } from '../parts/format.ts';
import { ARCHIVE_OPTION, FindingsReport, maintain, moreArchives } from '../parts/maintenance.ts';
import { FINDING_RECORD } from '../parts/records.ts';

/** `fsck`: the structure of the Store. */
export const fsck = defineCommand({
  name: 'fsck',
  group: 'store',
  summary: 'check the structure of the Store',
  changesLocal: true,
  plans: true,
  details: [
    'fsck checks the header of every record in the data files, the index against the data files, and the lines of the archives. It walks every root of every archive: it reads and verifies Dirs and lists of Blocks, and checks that every Block of content exists. It names each damaged path, with the Block, its place, and the root. fsck does not read Blocks of content; scrub does.',
    'fsck changes nothing, except that --rebuild-index first rebuilds the index from the data files. The exit status is 13 if something is damaged, else 0. fsck also reports an incomplete record at the end of a data file, as a crash leaves it. That is no damage: no command has reported that record as stored. The same holds for damaged bytes that no path needs.',
    'For a Store in a bucket, fsck checks that every object in the index exists with its full size, and walks every root in the same way. There --rebuild-index rebuilds the index of this machine from the one in the bucket.',
    'Only one of fsck, scrub, repair and gc can run in a datadir at a time; a second one ends with 11.',
  ],
  options: [{ name: 'rebuild-index', summary: 'rebuild the index from the data files first' }, ARCHIVE_OPTION],
  examples: [{ line: 'fsck', says: 'checks that every path of every root is there' }],
  records: [
    FINDING_RECORD,
    {
      name: 'Checked',
      summary: 'the end of a check',
      fields: {
        fsck: { choices: ['clean', 'faults'] },
        faults: 'integer',
        files: 'integer?',
        packs: 'integer?',
        bytes: 'integer',
        records: 'integer?',
        indexed: 'integer?',
        blocks: 'integer?',
        roots: 'integer',
        dirs: 'integer',
        entries: 'integer',
        seconds: 'number',
      },
    },
  ],
  async run(context, { options }) {
    const { output, diagnostics, signal, plan } = context;
    const rebuilds = options.has('rebuild-index') && !plan;
    const bucket = await bucketOf(context.session.store);
    if (bucket !== undefined) {
      if (options.has('archive')) throw new UsageError('fsck: --archive is for Stores in folders');
      await fsckOfBucket(context, bucket, rebuilds);
      return;
    }
    const { fsck: check } = await import('../../core/maintain/fsck.ts');
    const report = await FindingsReport.make(context);
    const startMs = performance.now();
    const counts = await maintain(context, 'fsck', rebuilds, async (datadir, view) => {
      if (rebuilds) await rebuildIndex(datadir, signal);
      return await check(datadir, {
        signal,
        view,
        ...moreArchives(context, options),
        onFinding: (finding) => report.add(finding),
        onProgress: ({ doing, done }) =>
          diagnostics.progress({
            label: `fsck ${doing}`,
            ...(doing === 'roots' ? { doneBytes: 0, doneItems: done } : { doneBytes: done }),
          }),
      });
    });
    const seconds = (performance.now() - startMs) / 1000;
    output.record({
      fsck: report.faults === 0 ? 'clean' : 'faults',
      faults: report.faults,
      files: counts.files,
      bytes: counts.bytes,
      records: counts.records,
      indexed: counts.indexed,
      roots: counts.roots,
      dirs: counts.dirs,
      entries: counts.entries,
      seconds: Number(seconds.toFixed(3)),
    });
    output.line(
      `${countText(counts.roots, 'root')}, ${countText(counts.entries, 'entry', 'entries')}, ${countText(counts.records, 'record')} in ${countText(counts.files, 'data file')} (${sizeText(counts.bytes)}): ${report.faults === 0 ? 'clean' : countText(report.faults, 'fault')}; ${seconds.toFixed(2)} s`,
    );
    report.end('fsck');
  },
});

async function rebuildIndex(datadir: import('../../core/datadir/datadir-store.ts').Datadir, signal: AbortSignal): Promise<void> {
  await datadir.flush({ signal });
  const { index } = datadir.internals();
  await index.ready(signal);
  await index.rebuild('as --rebuild-index asks', signal);
}
