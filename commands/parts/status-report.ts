import { statfsSync } from 'node:fs';
import { formatLocalTime, formatStateTime } from '../../core/base/date.ts';
import { largestOf } from '../../core/base/lists.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import { unrecordedBytes } from '../../core/follow/unread-bytes.ts';
import type { StatusItem } from '../../core/http/status-item.ts';
import { datadirOf } from '../../core/maintain/datadir-of.ts';
import { readScrubbed } from '../../core/maintain/scrub-record.ts';
import type { StorePart } from '../../core/store/capabilities.ts';
import { capability } from '../../core/store/capability.ts';
import type { CommandContext } from '../command.ts';
import { countText, sizeText, timeText } from './format.ts';
import { leftJournals } from './left-journals.ts';
import { readTails } from './move/tail-records.ts';

/** Archives whose age means nothing: those of opened Dirrefs and of published trees. */
const AGELESS: readonly string[] = ['references', 'published'];

/** Limits beyond which `status` reports trouble. */
export interface StatusLimits {
  /** Greatest age of an archive's newest state, in milliseconds. */
  readonly maxAgeMs: number;
  /** Least free space of the disk, in percent. */
  readonly minFreePercent: number;
}

/** Prints the status of the session's Store, one line per item. @returns the number of items with trouble */
export async function reportStatus(context: CommandContext, limits: StatusLimits): Promise<number> {
  const { output } = context;
  const items = await statusItems(context, limits);
  for (const { what, text, trouble, record } of items) {
    const shown = `${trouble === undefined ? ' ' : '!'} ${what.padEnd(8)}  ${text}${trouble === undefined ? '' : `: ${trouble}`}`;
    output.line(trouble === undefined ? shown : output.style('error', shown));
    output.record({ what, ...record, ok: trouble === undefined, trouble });
  }
  return items.filter(({ trouble }) => trouble !== undefined).length;
}

/** The status of the session's Store. */
export async function statusItems(context: StatusContext, { maxAgeMs, minFreePercent }: StatusLimits): Promise<readonly StatusItem[]> {
  const report = new Report(context);
  await archivesOf(report, maxAgeMs);
  tailsOf(report);
  await spoolsOf(report, { role: 'session', store: context.session.store });
  await journalsOf(report);
  diskOf(report, minFreePercent);
  return report.items;
}

type StatusContext = Pick<CommandContext, 'session' | 'now' | 'signal' | 'shell'>;

class Report {
  readonly context: StatusContext;
  readonly items: StatusItem[] = [];

  constructor(context: StatusContext) {
    this.context = context;
  }

  tell(what: string, text: string, trouble: string | undefined, record: Readonly<Record<string, unknown>>): void {
    this.items.push({ what, text, trouble, record });
  }
}

async function archivesOf(report: Report, maxAgeMs: number): Promise<void> {
  const { session, now, signal } = report.context;
  const archives = capability(session.store, 'archives');
  const names = (await archives?.list?.()) ?? [];
  for (const name of names) {
    try {
      const last = await archives?.open(name, { readOnly: true }).last({ signal });
      if (last === undefined) continue;
      const ageMs = Math.max(0, now().getTime() - Number(last.whenNs / 1_000_000n));
      const isOld = !AGELESS.includes(name) && ageMs > maxAgeMs;
      const text = `${name}@${last.number} of ${formatStateTime(last.whenNs)}, ${ageText(ageMs)} ago`;
      const record = { archive: name, number: last.number, when: timeText(last.whenNs), age_seconds: Math.round(ageMs / 1000) };
      report.tell('archive', text, isOld ? `older than ${ageText(maxAgeMs)}` : undefined, record);
    } catch (error) {
      report.tell('archive', name, errorReason(error), { archive: name });
    }
  }
  if (names.length === 0) report.tell('archive', 'none', 'no state is recorded', {});
}

function tailsOf(report: Report): void {
  const { session, shell } = report.context;
  for (const { checkpoint, status: told, isRunning } of readTails(shell.env)) {
    if (checkpoint.store !== session.store.name) continue;
    const lag = unrecordedBytes(checkpoint, told === undefined || told.round >= checkpoint.round);
    const trouble = told?.trouble ?? (isRunning || lag === 0 ? undefined : 'the file has new bytes, and no process follows it');
    const text = `${checkpoint.target}, lag ${sizeText(lag)}${isRunning ? '' : ', stopped'}`;
    report.tell('tail', text, trouble, { target: checkpoint.target, lag_bytes: lag, running: isRunning });
  }
}

async function spoolsOf(report: Report, { store, waiting, trouble }: StorePart): Promise<void> {
  const waits = waiting !== undefined && waiting.blocks > 0;
  if (waits || trouble !== undefined) {
    const text = `${store.name}${waits ? `, ${countText(waiting.blocks, 'Block')} (${sizeText(waiting.bytes)}) waiting` : ''}`;
    const reason = trouble ?? 'they are not sent to the other Store yet';
    report.tell('store', text, reason, { store: store.name, waiting_blocks: waiting?.blocks, waiting_bytes: waiting?.bytes });
  }
  for (const part of (await capability(store, 'parts')?.parts({ signal: report.context.signal })) ?? []) await spoolsOf(report, part);
}

async function journalsOf(report: Report): Promise<void> {
  for (const { file, text, trouble } of await leftJournals(report.context.session.store)) report.tell('journal', text, trouble, { file });
}

function diskOf(report: Report, minPercent: number): void {
  const datadir = datadirOf(report.context.session.store);
  if (datadir === undefined) return;
  const { bavail, blocks, bsize } = statfsSync(datadir.path);
  const percent = blocks === 0 ? 100 : (bavail / blocks) * 100;
  const record = { path: datadir.path, free_bytes: bavail * bsize, free_percent: Number(percent.toFixed(1)) };
  report.tell(
    'disk',
    `${sizeText(bavail * bsize)} free (${percent.toFixed(0)} %)`,
    percent < minPercent ? 'free space, or run gc' : undefined,
    record,
  );
  const checked = readScrubbed(datadir.path).map(({ when }) => when);
  if (checked.length === 0) report.tell('scrub', 'never', undefined, {});
  else {
    const newestNs = BigInt(largestOf(checked)) * 1_000_000_000n;
    report.tell('scrub', formatLocalTime(newestNs), undefined, { when: timeText(newestNs) });
  }
}

/** An age in one unit: `90 min`, `3 h`, `2 d`. */
function ageText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 60 / 24)} d`;
}
