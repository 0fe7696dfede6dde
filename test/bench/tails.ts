import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TailCost, TailRun } from './tail-run.ts';
import type { Verdict } from './targets.ts';

/** Seconds that nothing may wait that is written at the highest rates. */
const MAX_LAG_SECONDS = 2;

interface TailCase extends Pick<TailRun, 'command' | 'every' | 'writing'> {
  readonly name: string;
  /** Of what is written at a rate that is the matter: the lag is a target. */
  readonly isRate: boolean;
}

/** What is measured, at a part of its full size. */
function casesOf(scale: number): readonly TailCase[] {
  const files = Math.max(16, Math.round(1000 * scale));
  const mib = Math.max(8, Math.round(191 * scale));
  const seconds = scale < 1 ? 3 : 15;
  return [
    {
      name: `one writer at ${Math.round(mib * 1.048576)} MB/s`,
      isRate: true,
      command: 'follow',
      every: 1,
      writing: { files: 1, kind: 'much', before: 0, perSecond: mib, seconds },
    },
    {
      name: `${files} writers at 100 lines/s`,
      isRate: true,
      command: 'follow',
      every: 1,
      writing: { files, kind: 'lines', before: 100, perSecond: 100, seconds },
    },
    {
      name: 'a log of 10 MB, 1,000 lines/s, a state a second',
      isRate: false,
      command: 'follow',
      every: 1,
      writing: { files: 1, kind: 'lines', before: 100_000, perSecond: 1000, seconds },
    },
    {
      name: 'a log of 10 MB, 100 lines/s, each append a state',
      isRate: false,
      command: 'follow',
      every: 0,
      writing: { files: 1, kind: 'lines', before: 100_000, perSecond: 100, seconds },
    },
    {
      name: 'a mailbox of 10 MB, 5 mails/s of 10 KB, each a state',
      isRate: false,
      command: 'watch',
      every: 0,
      writing: { files: 1, kind: 'mails', before: 1000, perSecond: 5, seconds },
    },
  ];
}

/** Files that are written to all the time, and what it costs to follow them. */
export function benchTails(
  program: string,
  folder: string,
  scale: number,
): { readonly table: string; readonly verdicts: readonly Verdict[]; readonly found: Readonly<Record<string, TailCost>> } {
  const child = fileURLToPath(new URL('./tail-run.js', import.meta.url));
  const found: Record<string, TailCost> = {};
  const verdicts: Verdict[] = [];
  for (const { name, isRate, ...how } of casesOf(scale)) {
    const own = join(folder, String(verdicts.length + Object.keys(found).length));
    mkdirSync(own, { recursive: true });
    const run: TailRun = { program, folder: own, ...how };
    const cost = JSON.parse(execFileSync(process.execPath, [child, JSON.stringify(run)], { encoding: 'utf8' })) as TailCost;
    rmSync(own, { recursive: true });
    found[name] = cost;
    if (!isRate) continue;
    const reached = cost.lagSeconds;
    verdicts.push({ part: 'tails', what: `${name}: lag, s`, reached, limit: MAX_LAG_SECONDS, isReached: reached < MAX_LAG_SECONDS });
  }
  return { table: tableOf(found), verdicts, found };
}

function tableOf(found: Readonly<Record<string, TailCost>>): string {
  const rows = Object.entries(found).map(([name, { bytes, states, seconds, lagSeconds, cpuSeconds, peakBytes, grownBytes }]) => {
    const mb = bytes / 1e6;
    const cells = [
      (mb / seconds).toFixed(mb / seconds < 10 ? 2 : 0),
      states,
      lagSeconds.toFixed(2),
      (cpuSeconds / seconds).toFixed(2),
      (peakBytes / 1e6).toFixed(0),
      (cpuSeconds / mb).toFixed(3),
      (grownBytes / bytes).toFixed(2),
    ];
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const columns = ['MB/s', 'states', 'lag, s', 'processors', 'peak, MB', 'CPU s an appended MB', 'MB stored an appended MB'];
  return [
    '### tails: files that are written to all the time, followed',
    '',
    `| | ${columns.join(' | ')} |`,
    `|---|${'---|'.repeat(columns.length)}`,
    ...rows,
    '',
    'The lag is the longest that an octet waited, from its write to the time of the first root that has it.',
    '',
  ].join('\n');
}
