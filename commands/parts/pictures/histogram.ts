import { writeFileSync } from 'node:fs';
import { groupedDigits } from '../../../core/base/grouped-digits.ts';
import { largestOf } from '../../../core/base/lists.ts';
import type { Octets } from '../../../core/base/octets.ts';
import type { SizeBucket } from '../../../core/block/tree-stats.ts';
import type { TreeContext } from '../../command.ts';
import { sizeText } from '../format.ts';
import { resolveLocalPath } from '../local-path.ts';
import { localSession } from '../local-session.ts';
import { barOf, isUtf8 } from './bars.ts';

// Histograms of Block sizes, drawn in the terminal or written as pictures.

/** Columns of the longest bar, if there is room. */
const MAX_BAR_WIDTH = 60;

const MIN_BAR_WIDTH = 4;

/** Draws a bar for each power of two, scaled to the width of the terminal. */
export function drawHistogram({ output, shell }: Pick<TreeContext, 'output' | 'shell'>, histogram: readonly SizeBucket[]): void {
  const most = largestOf(
    histogram.map(({ leaves }) => leaves),
    1,
  );
  const rows = histogram.map(({ minSize, leaves, bytes }) => ({
    size: `${sizeText(minSize).padStart(5)}+`,
    leaves,
    says: `${groupedDigits(leaves)} (${sizeText(bytes)})`,
  }));
  // The layout is "  512+  BAR SAYS"; the last column of the terminal stays free.
  const taken = 6 + 2 + 1 + largestOf(rows.map(({ says }) => says.length)) + 1;
  const width = Math.max(MIN_BAR_WIDTH, Math.min(MAX_BAR_WIDTH, output.columns - taken));
  const utf8 = isUtf8(shell.env);
  for (const { size, leaves, says } of rows) output.line(`${size}  ${output.style('dir', barOf((leaves / most) * width, utf8))} ${says}`);
}

/** Writes a histogram as SVG to a local file, replacing it; does nothing under `-n`. @param name - describes the leaves */
export async function writeHistogram(
  { local, plan, signal }: Pick<TreeContext, 'local' | 'plan' | 'signal'>,
  file: Octets,
  histogram: readonly SizeBucket[],
  name: string,
): Promise<void> {
  const { localCwd } = localSession({ local }, 'write a histogram');
  if (plan) return;
  const [{ histogramSvg }, { openLocalOutput }] = await Promise.all([
    import('../../../core/blockify/histogram-svg.ts'),
    import('../../../core/export/local-output.ts'),
  ]);
  const output = await openLocalOutput(resolveLocalPath(localCwd, file), 'make', signal);
  try {
    writeFileSync(output.fd, histogramSvg(histogram, name));
  } catch (error) {
    output.rollback();
    throw error;
  }
  output.commit();
}

/** The JSON fields of a histogram. */
export function histogramRecord(histogram: readonly SizeBucket[]): readonly Record<string, number>[] {
  return histogram.map(({ minSize, leaves, bytes }) => ({ min_size: minSize, leaves, bytes }));
}
