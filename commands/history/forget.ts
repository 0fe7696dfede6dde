import type { ArchiveEntry } from '../../core/archive/archive.ts';
import type { CalendarAge, Period, RetentionPolicy, RetentionVerdict } from '../../core/archive/retention.ts';
import { applyRetention, PERIODS } from '../../core/archive/retention.ts';
import { formatLocalMinute } from '../../core/base/date.ts';
import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { CommandInput } from '../command.ts';
import { defineCommand } from '../command.ts';
import { requireLines } from '../parts/archive-lines.ts';
import { countText, timeText } from '../parts/format.ts';
import { numberOption } from '../words/number-option.ts';
import type { OptionSpec } from '../words/option-spec.ts';

const PERIOD_OPTIONS: readonly OptionSpec[] = PERIODS.map((period) => ({
  name: `keep-${period}`,
  value: { name: 'N', kind: 'number', min: 1 },
  summary: `keep the newest state of each of the last N ${{ hourly: 'hours', daily: 'days', weekly: 'weeks', monthly: 'months', yearly: 'years' }[period]} that have one`,
}));

/** `forget`: removes old states by rules. */
export const forget = defineCommand({
  name: 'forget',
  group: 'history',
  summary: 'remove recorded states that no rule keeps',
  changesLocal: true,
  plans: true,
  details: [
    'forget keeps a state if a rule keeps it, if it is the newest, or if it is protected. The rules are named as in restic and borg. Hours, days, weeks (from Monday), months and years are in local time; an hour that a change of clocks repeats counts as two. If a rule finds fewer than N periods, it also keeps the oldest state. --keep-within counts back from the latest state by the calendar: 1m before 31 March is the end of February.',
    'forget changes only the archive: lines become comments, and later states get lower numbers. From the comments merge, push and undo still know the order of states. gc then frees the Blocks that only the removed states needed. -n shows which states would be removed, and why the others stay. At a prompt forget asks first.',
  ],
  options: [
    { name: 'plan', short: 'n', aliases: ['dry-run'], summary: 'show which states would be removed, and do nothing' },
    { name: 'keep-last', short: 'l', value: { name: 'N', kind: 'number', min: 1 }, summary: 'keep the N newest states' },
    ...PERIOD_OPTIONS,
    { name: 'keep-within', value: { name: 'AGE', kind: 'text' }, summary: 'keep all states of the last AGE: 2y5m7d3h, 30d' },
    { name: 'keep-tag', value: { name: 'TAG', kind: 'text' }, repeat: true, summary: 'keep all states with that tag; may be repeated' },
  ],
  examples: [
    { line: 'forget -n --keep-last 10 --keep-daily 14 --keep-monthly 12', says: 'shows which states would stay, and why' },
    { line: 'forget --keep-within 1y --keep-yearly 10; gc', says: 'removes older states, then frees their Blocks' },
  ],
  records: [
    {
      name: 'Kept',
      summary: 'a state, and why it is kept',
      fields: { number: 'integer', when: 'time', kept: 'boolean', reasons: 'text[]' },
    },
    {
      name: 'ForgottenCounts',
      summary: 'the number of states that stay and go',
      fields: { plan: 'true?', kept: 'integer', forgotten: 'integer' },
    },
  ],
  async run(context, input) {
    const { session, output, diagnostics, signal, shell } = context;
    const plan = context.plan || input.options.has('plan');
    const policy = policyOf(input);
    const { archive, lines } = requireLines(session, 'forget');
    const entries: ArchiveEntry[] = [];
    const onDamage = (line: number, reason: string): void => diagnostics.warn(`archive "${archive.name}" line ${line}: ${reason}`);
    for await (const entry of archive.entries({ signal, onDamage })) entries.push(entry);
    const verdicts = applyRetention(entries, policy);
    const gone = verdicts.filter(({ reasons }) => reasons.length === 0).map(({ entry }) => entry);
    const question = `Forget ${countText(gone.length, 'state')} of ${entries.length}? It cannot be undone`;
    if (!plan && gone.length > 0 && !(await shell.confirm(question))) return;
    if (!plan && gone.length > 0) await lines.drop(gone, { signal });
    for (const { entry, reasons } of verdicts) {
      output.record({ number: entry.number, when: timeText(entry.whenNs), kept: reasons.length > 0, reasons });
      if (plan) output.line(lineOf({ entry, reasons }));
    }
    output.record({ ...(plan ? { plan: true } : {}), kept: entries.length - gone.length, forgotten: gone.length });
    const kept = countText(entries.length - gone.length, 'state');
    output.line(
      `${plan ? 'would forget' : 'forgot'} ${countText(gone.length, 'state')}; ${kept} ${plan ? 'would stay' : entries.length - gone.length === 1 ? 'stays' : 'stay'}`,
    );
  },
});

function lineOf({ entry, reasons }: RetentionVerdict): string {
  return `${`@${entry.number}`.padEnd(6)}${formatLocalMinute(entry.whenNs)}  ${reasons.length === 0 ? 'forget' : `keep: ${reasons.join(', ')}`}`;
}

/** The rules given by options. @throws {UsageError} without a rule, since only the newest state would stay */
function policyOf({ options, repeated }: CommandInput): RetentionPolicy {
  const periods: Partial<Record<Period, number>> = {};
  for (const period of PERIODS) {
    const count = numberOption({ options }, `keep-${period}`);
    if (count !== undefined) periods[period] = count;
  }
  const last = numberOption({ options }, 'keep-last');
  const within = options.get('keep-within');
  const tags = repeated.filter(({ name }) => name === 'keep-tag').map(({ value }) => (value === true ? '' : octetsToText(value)));
  if (last === undefined && within === undefined && tags.length === 0 && Object.keys(periods).length === 0)
    throw new UsageError('forget: no rule says what to keep', { remedy: 'give one, such as --keep-daily 14' });
  return { last, periods, tags, within: within === undefined || within === true ? undefined : ageOf(within) };
}

function ageOf(word: Octets): CalendarAge {
  const found = /^(?=\d)(?:(\d{1,4})y)?(?:(\d{1,5})m)?(?:(\d{1,4})w)?(?:(\d{1,6})d)?(?:(\d{1,7})h)?$/.exec(word);
  if (found === null)
    throw new UsageError(`forget --keep-within "${octetsToText(word)}": expected years, months, weeks, days and hours, as 2y5m7d3h`);
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0] = found.slice(1).map((text) => Number(text ?? 0));
  return { years, months, days: days + 7 * weeks, hours };
}
