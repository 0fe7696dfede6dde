import type { Part } from './parts.ts';
import { cpuSecondsOf, fastestPeer, peakBytes, secondsOf, thriftiestPeer, type Verdict } from './targets.ts';
import type { Results } from './turn.ts';

// Results as tables in Markdown.

/** The table of a part: medians of wall and CPU seconds; of ours with their ratios to the least of the other programs. */
export function partTable(part: Part, results: Results): string {
  const columns = Object.entries(part.columns);
  const lines = [
    `### ${part.name}: ${part.says}`,
    '',
    `| | ${columns.map(([, says]) => `${says}: wall, CPU s`).join(' | ')} | peak, MB | stored, MB |`,
    `|---|${'---|'.repeat(columns.length + 2)}`,
  ];
  const notes: string[] = [];
  for (const { name, isOurs, loses, isSlow } of part.programs) {
    const measured = results.samples.some((sample) => sample.part === part.name && sample.program === name);
    const note = results.notes.get(`${part.name}: ${name}`);
    if (note !== undefined) notes.push(`${name}: ${note}.`);
    if (!measured) continue;
    const cells = columns.map(([op]) => {
      const seconds = secondsOf(part, results, name, op);
      const cpuSeconds = cpuSecondsOf(part, results, name, op);
      if (Number.isNaN(seconds)) return '–';
      const ratios = isOurs === true ? [seconds / fastestPeer(part, results, op), cpuSeconds / thriftiestPeer(part, results, op)] : [];
      const inBrackets = ratios.some(Number.isFinite) ? ` (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})` : '';
      return `${seconds.toFixed(2)}, ${cpuSeconds.toFixed(2)}${inBrackets}`;
    });
    const stored = results.stored.get(`${part.name}/${name}/put`);
    const marks = `${loses === undefined ? '' : ` (loses ${loses})`}${isSlow === true ? ' (one round)' : ''}`;
    lines.push(
      `| ${name}${marks} | ${cells.join(' | ')} | ${(peakBytes(part, results, [name]) / 1e6).toFixed(0)} | ${stored === undefined ? '–' : (stored / 1e6).toFixed(1)} |`,
    );
  }
  return [...lines, ...(notes.length > 0 ? ['', ...notes] : []), ''].join('\n');
}

/** The table of targets. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(
    ({ part, what, reached, limit, isReached }) =>
      `| ${part} | ${what} | ${figure(reached)} | ${figure(limit)} | ${isReached ? 'ok' : 'not'} |`,
  );
  return ['### Targets', '', '| | | reached | at most | |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}

function figure(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}
