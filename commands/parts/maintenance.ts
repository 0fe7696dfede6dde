import { UsageError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import { hashcodeLabel } from '../../core/block/hashcode.ts';
import type { Datadir } from '../../core/datadir/datadir-store.ts';
import type { Finding } from '../../core/maintain/findings.ts';
import type { StoreView } from '../../core/maintain/store-view.ts';
import type { CommandContext } from '../command.ts';
import type { OptionSpec } from '../words/option-spec.ts';
import { octetsFields } from './format.ts';
import { resolveLocalPath } from './local-path.ts';

// Common parts of fsck, scrub, repair and gc.

/** Findings to print; further ones are only counted. */
const MAX_SHOWN = 200;

/** `--archive FILE`: an archive outside the Store. */
export const ARCHIVE_OPTION: OptionSpec = {
  name: 'archive',
  value: { name: 'FILE', kind: 'local' },
  summary: 'also use the roots in this archive file',
};

/** The archives of `--archive`. */
export function moreArchives(
  { session }: CommandContext,
  options: ReadonlyMap<string, true | Octets>,
): { moreArchives?: readonly string[] } {
  const word = options.get('archive');
  if (word === undefined || word === true) return {};
  const path = octetsToTextStrict(resolveLocalPath(session.localCwd, word));
  if (path === undefined) throw new UsageError(`--archive "${octetsToText(word)}": its name is not UTF-8`);
  return { moreArchives: [path] };
}

/**
 * Parses a time such as `60s`, `15m`, `12h`, `14d`, `2w`, or a number of seconds, to milliseconds.
 *
 * @throws {UsageError} for anything else
 */
export function durationMs(option: string, word: Octets): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?$/.exec(word) ?? [];
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }[unit] ?? Number.NaN;
  const value = Number(number) * factor;
  if (!Number.isFinite(value)) throw new UsageError(`--${option} "${octetsToText(word)}": expected a time such as 60s, 12h or 14d`);
  return value;
}

/**
 * Runs an action on the datadir of the session while no other maintenance runs there.
 *
 * @param write - whether the action changes the datadir
 */
export async function maintain<T>(
  { session, plan }: CommandContext,
  action: string,
  write: boolean,
  run: (datadir: Datadir, view: StoreView) => Promise<T>,
): Promise<T> {
  const [{ requireDatadir }, { withMaintenanceLock }, { viewOf }] = await Promise.all([
    import('../../core/maintain/datadir-of.ts'),
    import('../../core/maintain/lock.ts'),
    import('../../core/maintain/store-view.ts'),
  ]);
  const view = viewOf(session.store);
  const datadir = requireDatadir(view.below, action, write && !plan);
  const seen = { ...view, store: view.store === view.below ? datadir : view.store };
  if (!datadir.isWritable || plan) return await run(datadir, seen);
  return await withMaintenanceLock(datadir.path, datadir.access, action === 'gc', async () => await run(datadir, seen));
}

/** Prints findings as they come. If there is a fault, the command ends with exit status 13. */
export class FindingsReport {
  readonly #context: CommandContext;
  readonly #text: (finding: Finding) => string;
  readonly #isFault: (finding: Finding) => boolean;
  #shown = 0;
  #faults = 0;
  #isIndexOnly = true;

  private constructor(context: CommandContext, findings: typeof import('../../core/maintain/findings.ts')) {
    this.#context = context;
    this.#text = findings.findingText;
    // Without the key of a sealed Store nobody can tell which paths damage concerns.
    const isSealed = context.session.store.hashName === 'sealed';
    this.#isFault = (finding) => findings.isFault(finding) || (isSealed && finding.kind === 'data');
  }

  static async make(context: CommandContext): Promise<FindingsReport> {
    return new FindingsReport(context, await import('../../core/maintain/findings.ts'));
  }

  /** The number of faults. */
  get faults(): number {
    return this.#faults;
  }

  add(finding: Finding): void {
    const { output } = this.#context;
    if (this.#isFault(finding)) this.#faults++;
    if (finding.kind === 'harm' || finding.kind === 'archive') this.#isIndexOnly = false;
    output.record(findingRecord(finding));
    if (++this.#shown <= MAX_SHOWN) output.line(output.style(this.#isFault(finding) ? 'error' : 'dim', this.#text(finding)));
    else if (this.#shown === MAX_SHOWN + 1) output.line('… and more; --json gives all');
  }

  /** @throws {VtError} ECORRUPT if there was a fault */
  end(action: string): void {
    if (this.#faults === 0) return;
    const remedy = this.#isIndexOnly
      ? 'fsck --rebuild-index makes the index again from the data'
      : 'repair --from STORE takes Blocks from another Store, repair LOCAL from local files; or put the same data again';
    throw new VtError('ECORRUPT', `${action}: ${this.#faults} ${this.#faults === 1 ? 'fault' : 'faults'}`, { remedy });
  }
}

function findingRecord(finding: Finding): Record<string, unknown> {
  if (finding.kind !== 'harm') return { finding: finding.kind, ...without(finding, 'kind') };
  const { path, hashcode, ...rest } = finding;
  return {
    finding: 'harm',
    ...octetsFields('path', path),
    ...(hashcode === undefined ? {} : { block: hashcodeLabel(hashcode) }),
    ...without(rest, 'kind'),
  };
}

function without(value: object, key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}
