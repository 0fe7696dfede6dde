/** How one round ended. */
export interface FaultOutcome {
  /** Of the command; undefined where it ended by a signal. */
  readonly status: number | undefined;
  /** Whether the call came that was to fail. */
  readonly hasFired: boolean;
  readonly isWrong: boolean;
}

interface Row {
  runs: number;
  fired: number;
  done: number;
  inPart: number;
  failed: number;
  wrong: number;
}

/** Counts what came of the rounds of each command and Store. */
export class FaultTable {
  readonly #rows = new Map<string, Row>();

  add(name: string, { status, hasFired, isWrong }: FaultOutcome): void {
    const row = this.#rows.get(name) ?? { runs: 0, fired: 0, done: 0, inPart: 0, failed: 0, wrong: 0 };
    this.#rows.set(name, row);
    row.runs++;
    if (hasFired) row.fired++;
    if (isWrong) row.wrong++;
    if (status === 0) row.done++;
    else if (status === 3) row.inPart++;
    else row.failed++;
  }

  /** As lines of Markdown, by name. */
  lines(): string[] {
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1));
    const sum = { runs: 0, fired: 0, done: 0, inPart: 0, failed: 0, wrong: 0 };
    for (const [, row] of rows) for (const key of Object.keys(sum) as (keyof Row)[]) sum[key] += row[key];
    return [
      '| command, Store | runs | call failed | status 0 | status 3 | other status | wrong |',
      '|---|---|---|---|---|---|---|',
      ...[...rows, ['all', sum] as const].map(
        ([name, row]) => `| ${[name, row.runs, row.fired, row.done, row.inPart, row.failed, row.wrong].join(' | ')} |`,
      ),
    ];
  }
}
