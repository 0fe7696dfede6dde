import { type Cost, median } from './measure.ts';
import type { Peer } from './peers.ts';
import type { Workload } from './workloads.ts';

/** Measurements of one program over one workload, one a round. */
export interface Row {
  readonly peer: Peer;
  readonly put: Cost[];
  readonly again: Cost[];
  readonly get: Cost[];
  /** Seconds for all later versions together. */
  readonly later: number[];
  storedBytes: number;
  /** Why it was given up. */
  fault: string | undefined;
  /** What it did not bring back. */
  note: string | undefined;
}

/** Prints the medians of a workload as a table in Markdown, with ratios to the best of the other programs. */
export function printTable(workload: Workload, rows: readonly Row[]): void {
  const others = rows.filter((row) => row.peer.name !== 'vtftp' && row.put.length > 0);
  const best = (key: 'put' | 'again' | 'get') => Math.min(...others.map((row) => seconds(row, key)));
  const versions = workload.next !== undefined;
  console.log(`### ${workload.name}: ${workload.says}\n`);
  console.log(
    `| | put, s | again, s |${versions ? ' later versions, s |' : ''} get, s | CPU, s: put / again / get | peak, MB | stored, MB |`,
  );
  console.log(`|---|---|---|${versions ? '---|' : ''}---|---|---|---|`);
  for (const row of rows) {
    const cpu = (['put', 'again', 'get'] as const).map((key) => median(row[key].map((cost) => cost.cpuSeconds)).toFixed(2)).join(' / ');
    const peak = Math.max(...[...row.put, ...row.again, ...row.get].map((cost) => cost.peakBytes));
    const ratio = (key: 'put' | 'again' | 'get') =>
      `${seconds(row, key).toFixed(2)}${others.length === 0 ? '' : ` (${(seconds(row, key) / best(key)).toFixed(2)})`}`;
    const cells = [
      ratio('put'),
      ratio('again'),
      ...(versions ? [median(row.later).toFixed(2)] : []),
      ratio('get'),
      cpu,
      (peak / 1e6).toFixed(0),
      (row.storedBytes / 1e6).toFixed(1),
    ];
    console.log(`| ${row.peer.name} | ${row.put.length === 0 ? cells.map(() => '–').join(' | ') : cells.join(' | ')} |`);
  }
  console.log(others.length === 0 ? '' : '\nIn brackets: against the best of the others.');
  for (const { peer, fault, note } of rows) if ((fault ?? note) !== undefined) console.log(`${peer.name}: ${fault ?? note}`);
  console.log('');
}

function seconds(row: Row, key: 'put' | 'again' | 'get'): number {
  return median(row[key].map((cost) => cost.seconds));
}
