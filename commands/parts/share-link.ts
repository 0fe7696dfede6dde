import { parseDateSpan } from '../../core/base/date.ts';
import { PathError, UsageError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { urlSegment } from '../../core/http/headers.ts';
import { formatShare } from '../../core/http/share-link.ts';
import { lackOf } from '../../core/rights/right-error.ts';
import { readGrant } from '../../core/rights/rights.ts';
import type { RightsHolder } from '../../core/rights/rights-line.ts';
import { partOfTree } from '../../core/tree/part-of-tree.ts';
import { splitPath } from '../../core/tree/path.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { numberOption } from '../words/number-option.ts';
import { pathArgument } from './entry.ts';
import { rightsOption } from './rights-option.ts';

const DEFAULT_BASE = 'http://127.0.0.1:8080/';
const DEFAULT_DAYS = 7;
const DAY_MS = 86_400_000;

/** Prints a link to a part of the tree. */
export async function shareLink(context: CommandContext, input: CommandInput, pathname: Octets): Promise<void> {
  const { session, output, now, signal } = context;
  const { archive, archiveName } = session;
  if (archive === undefined || archiveName === undefined || !session.tree.can.sync)
    throw new VtError('EUNSUPPORTED', `share: the open tree is not in a writable archive`, {
      remedy: 'open an archive of the Store: STORE@ARCHIVE',
    });
  const base = textOption(input, 'at') ?? DEFAULT_BASE;
  if (!/^https?:\/\/[^/?#\s]+(?:\/[^?#\s]*)?$/.test(base)) throw new UsageError(`share --at: "${base}" is not an http or https URL`);
  const holder = holderOf(context, input);
  const untilMs = untilOf(input, now());
  const path = pathArgument(session, pathname);
  const names = splitPath(path);
  await session.sync(signal);
  const node = await partOfTree(session.tree, names, { signal });
  if (node === undefined) throw new PathError('ENOENT', 'share', path);
  if (node.kind !== 'dir' && node.kind !== 'file')
    throw new PathError('EINVAL', 'share', path, { remedy: 'a link can show only a file or a Dir' });
  if (input.options.has('fixed') && input.options.has('history'))
    throw new UsageError('share: --fixed shows one state, and --history all of them', { remedy: 'give one of the two' });
  const newest = input.options.has('fixed') ? await archive.last({ signal }) : undefined;
  const link = formatShare(
    {
      holder: holder.name,
      archive: archiveName,
      names: belowGrant(holder, archiveName, names),
      state: newest && momentText(newest.whenNs),
      untilS: Math.ceil(untilMs / 1000),
      hasPast: input.options.has('history'),
    },
    holder,
  );
  const last = names.at(-1);
  const url = `${base.replace(/\/+$/, '')}${link}${node.kind === 'file' && last !== undefined ? urlSegment(last) : ''}`;
  output.line(url);
  output.record({ url, until: new Date(untilMs).toISOString() });
}

function textOption({ options }: CommandInput, name: string): string | undefined {
  const given = options.get(name);
  return given === undefined || given === true ? undefined : octetsToText(given);
}

/** The client whose rights the link has. */
function holderOf({ session, diagnostics }: CommandContext, input: CommandInput): RightsHolder {
  const table = rightsOption('share', input, session.localCwd, 'token', (notice) => diagnostics.warn(`share: ${notice}`));
  if (table === undefined)
    throw new UsageError('share: the rights of the link are not given', {
      remedy: 'give --rights FILE and --as NAME, or --token FILE, as for httpd',
    });
  const holders = table.holders();
  const name = textOption(input, 'as');
  const [only, second] = holders;
  const found = name === undefined && second === undefined ? only : holders.find((one) => one.name === name);
  if (found !== undefined) return found;
  if (name === undefined) throw new UsageError('share: the file has several lines', { remedy: 'choose one by --as NAME' });
  throw new UsageError(`share --as: no line is named "${name}"`);
}

function untilOf(input: CommandInput, now: Date): number {
  const [days, until] = [numberOption(input, 'days'), textOption(input, 'until')];
  if (days !== undefined && until !== undefined) throw new UsageError('share: --days and --until exclude each other');
  if (until === undefined) return now.getTime() + (days ?? DEFAULT_DAYS) * DAY_MS;
  const untilMs = Number(parseDateSpan(until, now).endNs / 1_000_000n);
  if (untilMs <= now.getTime()) throw new UsageError(`share --until: "${until}" is in the past`);
  return untilMs;
}

/** The names from the root that the holder sees. @throws {VtError} EPERM for a path that the holder may not read */
function belowGrant(holder: RightsHolder, archive: string, names: readonly Octets[]): readonly Octets[] {
  const grant = readGrant(holder.rights, archive);
  if (grant === undefined || !holder.rights.mayUse('')) throw new VtError('EPERM', `share: ${lackOf(holder, `read=${archive}`)}`);
  if (!grant.below.every((name, i) => names[i] === name))
    throw new VtError('EPERM', `share: "${holder.name}" may read only what is below /${octetsToText(grant.below.join('/') as Octets)}`);
  return names.slice(grant.below.length);
}

/** A time in the form that `@` takes: seconds, a point, and nanoseconds. */
function momentText(ns: bigint): string {
  const fraction = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `@${(ns - fraction) / 1_000_000_000n}.${String(fraction).padStart(9, '0')}`;
}
