import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { Finding } from '../../core/maintain/findings.ts';
import { defineCommand } from '../command.ts';
import { bucketOf } from '../parts/bucket-maintenance.ts';
import { countText, sizeText } from '../parts/format.ts';
import { ARCHIVE_OPTION, durationMs, FindingsReport, maintain, moreArchives } from '../parts/maintenance.ts';
import { FINDING_RECORD } from '../parts/records.ts';
import { tellPlan } from '../parts/tell-plan.ts';

/** `scrub`: every byte of the Store. */
export const scrub = defineCommand({
  name: 'scrub',
  group: 'store',
  summary: 'read all Blocks and verify each against its hash',
  changesLocal: true,
  plans: true,
  details: [
    'scrub reads all data files, or reads for a limited time (--budget), or reads a share of them (--subset). It begins with Blocks that were never verified, and continues with those verified longest ago. The Store notes the dates. So a daily scrub with a budget gets round to every Block.',
    'In a Store in a bucket scrub reads whole objects, which the service may bill. It copies the sound Blocks out of a damaged object, and marks the object for removal by a later gc. The dates are noted on this machine.',
    'A damaged Block that scrub has found counts as missing: the next put of the same data stores it again. If only the record around a Block is damaged, scrub stores the Block again at once. If it finds damage, scrub names the damaged paths as fsck does, and the exit status is 13.',
  ],
  options: [
    { name: 'budget', short: 'b', value: { name: 'TIME', kind: 'text' }, summary: 'stop after this time: 60s, 15m, 2h' },
    { name: 'subset', value: { name: 'SHARE', kind: 'text' }, summary: 'verify this share of the bytes: 10%' },
    ARCHIVE_OPTION,
  ],
  examples: [
    { line: 'scrub', says: 'verifies every Block' },
    { line: 'scrub --budget 60s', says: 'verifies for a minute, continuing where the last run stopped' },
  ],
  records: [
    FINDING_RECORD,
    {
      name: 'Scrubbed',
      summary: 'the end of a scrub',
      fields: {
        scrub: { choices: ['clean', 'faults'] },
        faults: 'integer',
        blocks: 'integer',
        bytes: 'integer',
        total_bytes: 'integer',
        never_verified_bytes: 'integer',
        oldest: 'time?',
        damaged_blocks: 'integer',
        salvaged_blocks: 'integer',
        seconds: 'number',
      },
    },
  ],
  async run(context, { options }) {
    const { output, diagnostics, signal, now, plan } = context;
    const budget = options.get('budget');
    const subset = options.get('subset');
    const { scrub: verify } = await import('../../core/maintain/scrub.ts');
    const report = await FindingsReport.make(context);
    const limits = {
      ...(budget === undefined || budget === true ? {} : { budgetMs: durationMs('budget', budget) }),
      ...(subset === undefined || subset === true ? {} : { subset: shareOf(subset) }),
    };
    if (plan) {
      tellPlan(output, 'read and verify Blocks');
      return;
    }
    const startMs = performance.now();
    const hooks = {
      signal,
      ...limits,
      nowSeconds: () => Math.floor(now().getTime() / 1000),
      monotonicMs: () => performance.now(),
      onFinding: (finding: Finding) => report.add(finding),
      onProgress: ({ doneBytes, totalBytes }: { readonly doneBytes: number; readonly totalBytes: number }) =>
        diagnostics.progress({ label: 'scrub', doneBytes, totalBytes }),
    };
    const bucket = await bucketOf(context.session.store);
    if (bucket !== undefined && options.has('archive')) throw new UsageError('scrub: --archive is for Stores in folders');
    const counts =
      bucket === undefined
        ? await maintain(
            context,
            'scrub',
            false,
            async (datadir, view) => await verify(datadir, { ...hooks, view, ...moreArchives(context, options) }),
          )
        : await (await import('../../core/s3/bucket-scrub.ts')).scrubBucket(bucket.bucket, { ...hooks, view: bucket.view });
    const seconds = (performance.now() - startMs) / 1000;
    const oldest = counts.oldest === undefined ? undefined : new Date(counts.oldest * 1000).toISOString();
    output.record({
      scrub: report.faults === 0 ? 'clean' : 'faults',
      faults: report.faults,
      blocks: counts.blocks,
      bytes: counts.bytes,
      total_bytes: counts.totalBytes,
      never_verified_bytes: counts.neverBytes,
      ...(oldest === undefined ? {} : { oldest }),
      damaged_blocks: counts.damagedBlocks,
      salvaged_blocks: counts.salvagedBlocks,
      seconds: Number(seconds.toFixed(3)),
    });
    const parts = [
      `${countText(counts.blocks, 'Block')} whole`,
      ...(counts.damagedBlocks > 0 ? [`${countText(counts.damagedBlocks, 'Block')} damaged`] : []),
      ...(counts.salvagedBlocks > 0 ? [`${countText(counts.salvagedBlocks, 'Block')} stored anew`] : []),
      `${sizeText(counts.bytes)} of ${sizeText(counts.totalBytes)} read`,
      ...(counts.neverBytes > 0 ? [`${sizeText(counts.neverBytes)} never verified yet`] : []),
      ...(oldest === undefined ? [] : [`all verified since ${oldest}`]),
      `${seconds.toFixed(2)} s, ${sizeText(counts.bytes / Math.max(seconds, 0.001))}/s`,
    ];
    output.line(parts.join('; '));
    report.end('scrub');
  },
});

function shareOf(word: Octets): number {
  const [, number] = /^(\d+(?:\.\d+)?)%$/.exec(word) ?? [];
  const share = Number(number) / 100;
  if (!(share > 0 && share <= 1)) throw new UsageError(`--subset "${octetsToText(word)}": expected a share such as 10%`);
  return share;
}
