import { MissingBlockError, UsageError, VtError } from '../../../core/base/errors.ts';
import { groupedDigits } from '../../../core/base/grouped-digits.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { Peer } from '../../../core/openers/peer-table.ts';
import type { SyncEstimate, SyncProcess } from '../../../core/sync/sync-process.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { CommandContext, OptionSpec } from '../../command.ts';
import { pathArgument, requireEntry } from '../entry.ts';
import { countText, octetsFields, sizeText } from '../format.ts';

// What pull and push have in common.

/** Faults printed; more are counted. */
const MAX_SHOWN = 100;
const MAX_PARALLEL = 64;
/** Milliseconds after which a peer is taken to be far away: it then takes longer to reach than our own Store takes to open. */
const REACHED_MS = 20;

export const TRANSFER_OPTIONS: readonly OptionSpec[] = [
  { name: 'plan', short: 'n', summary: 'print what is missing, and move nothing' },
  {
    name: 'peer',
    short: 'p',
    value: { name: 'PEER', kind: 'text' },
    summary: 'a peer by its name, or any Store, which is opened for this; default: the only peer',
  },
  { name: 'dirs-only', short: 'd', summary: 'move Dirs only, without the contents of files' },
  { name: 'breadth-first', summary: 'look level by level rather than branch by branch' },
  { name: 'recheck', summary: 'look below Dirs too that are noted as complete' },
  { name: 'jobs', short: 'j', value: { name: 'N', kind: 'number' }, summary: 'send N batches of 1 MiB at a time; default 8' },
  { name: 'limit-rate', value: { name: 'RATE', kind: 'text' }, summary: 'at most so many bytes a second: 500k, 2M' },
];

/** `pull` fills in here what a peer has, `push` there what we have. */
export type Direction = 'pull' | 'push';

/** Moves the Blocks that the other side lacks of each path. */
export async function transferPaths(
  context: CommandContext,
  direction: Direction,
  args: readonly Octets[],
  options: ReadonlyMap<string, true | Octets>,
): Promise<void> {
  const { session } = context;
  const plan = context.plan || options.has('plan');
  const parallel = jobsOf(options.get('jobs'), direction);
  const bytesPerSecond = rateOf(options.get('limit-rate'), direction);
  const { peer, isOurs } = await meanwhile(peerOf(context, direction, options.get('peer')), async () => {
    await Promise.all([session.store.has([]), import('../../../core/sync/sync-process.ts')]);
  });
  try {
    for (const argument of args.length === 0 ? ['.' as Octets] : args) {
      const path = pathArgument(session, argument);
      const dirent = await direntAt(context, direction, path);
      await transferOne(context, direction, peer, path, dirent, {
        plan,
        contents: !options.has('dirs-only'),
        order: options.has('breadth-first') ? 'breadth' : 'depth',
        recheck: options.has('recheck'),
        parallel,
        bytesPerSecond,
      });
    }
  } finally {
    if (isOurs) await peer.store[Symbol.asyncDispose]();
  }
}

/** Does something, which may fail and is done again later, while we wait for a peer that is being reached. */
async function meanwhile<T>(reached: Promise<T>, work: () => Promise<void>): Promise<T> {
  const timer = setTimeout(() => void work().catch(() => undefined), REACHED_MS);
  try {
    return await reached;
  } finally {
    clearTimeout(timer);
  }
}

async function peerOf(
  { session, shell }: CommandContext,
  direction: Direction,
  word: true | Octets | undefined,
): Promise<{ readonly peer: Peer; readonly isOurs: boolean }> {
  const name = word === undefined || word === true ? undefined : octetsToText(word);
  if (name === undefined || session.peers.get(name) !== undefined) return { peer: session.peers.require(name, direction), isOurs: false };
  if (/^[\w.@-]+$/.test(name))
    throw new UsageError(`${direction}: there is no peer "${name}"`, { remedy: `add one: peer STORE; a folder is named ./${name}` });
  return { peer: { name, specification: name, store: await shell.openStore(name) }, isOurs: true };
}

/** The Dirent that stands alone; of what is there in part only as its Dir has it. */
async function direntAt({ session, signal }: CommandContext, direction: Direction, path: TreePath): Promise<Dirent> {
  const entry = await requireEntry(session.tree, path, direction, { follow: false, signal }).catch((error: unknown) => {
    if (!(error instanceof MissingBlockError) || direction === 'push') throw error;
    const remedy = 'pull the Dir above it first; with -d without the contents of files';
    throw new VtError('EMISSING', `${direction} "${octetsToText(path)}": ${error.message}`, { cause: error, remedy });
  });
  try {
    return await session.tree.dirent(path, { signal });
  } catch (error) {
    if (direction === 'pull' && error instanceof MissingBlockError) return entry.dirent;
    throw error;
  }
}

interface How {
  readonly plan: boolean;
  readonly contents: boolean;
  readonly order: 'depth' | 'breadth';
  readonly recheck: boolean;
  readonly parallel: number | undefined;
  readonly bytesPerSecond: number | undefined;
}

async function transferOne(
  context: CommandContext,
  direction: Direction,
  peer: Peer,
  path: TreePath,
  dirent: Dirent,
  how: How,
): Promise<void> {
  const { session, output, diagnostics, signal } = context;
  const { SyncProcess } = await import('../../../core/sync/sync-process.ts');
  const isPull = direction === 'pull';
  const label = `${direction} ${output.name(path)}`;
  // What this session added is not yet durable; nor need it be known to others.
  if (!isPull && !how.plan) await session.store.flush({ signal });
  const work = new SyncProcess(isPull ? peer.store : session.store, isPull ? session.store : peer.store, {
    near: isPull ? 'to' : 'from',
    ...how,
    signal,
    onProgress: ({ progressDone, progressTotal, doneBlocks }) =>
      diagnostics.progress({ label, doneBytes: progressDone, totalBytes: progressTotal, doneItems: doneBlocks }),
  });
  const startMs = performance.now();
  let estimate: SyncEstimate | undefined;
  try {
    estimate = await work.estimateDirent(dirent, path);
    const { missingBlocks, missingBytes, neededBlocks } = estimate;
    const where = isPull ? 'here' : `at ${peer.name}`;
    output.line(
      `${label}: ${countText(missingBlocks, 'Block')} of ${groupedDigits(neededBlocks)} missing ${where} (${sizeText(missingBytes)})`,
    );
    if (!how.plan) await work.transfer();
    if (isPull && !how.plan) await session.keep(signal);
  } catch (error) {
    if (work.doneBlocks > 0)
      diagnostics.warn(
        `${label}: ${countText(work.doneBlocks, 'Block')} (${sizeText(work.progressDone)}) came through and stay; the same command goes on from there`,
      );
    throw error;
  }
  tellEnd(context, direction, peer, path, { work, estimate, plan: how.plan, seconds: (performance.now() - startMs) / 1000 });
}

function tellEnd(
  { output, diagnostics }: CommandContext,
  direction: Direction,
  peer: Peer,
  path: TreePath,
  { work, estimate, plan, seconds }: { work: SyncProcess; estimate: SyncEstimate; plan: boolean; seconds: number },
): void {
  const { faults, doneBlocks, progressDone } = work;
  output.record({
    [direction]: peer.name,
    ...octetsFields('path', path),
    ...(plan ? { plan: true } : {}),
    needed_blocks: estimate.neededBlocks,
    missing_blocks: estimate.missingBlocks,
    missing_bytes: estimate.missingBytes,
    ...(plan ? {} : { moved_blocks: doneBlocks, moved_bytes: progressDone }),
    faults: faults.length,
    seconds: Number(seconds.toFixed(3)),
  });
  if (!plan)
    output.line(
      `${direction === 'pull' ? 'pulled' : 'pushed'} ${output.name(path)}: ${countText(doneBlocks, 'Block')} (${sizeText(progressDone)}); ${seconds.toFixed(2)} s, ${sizeText(progressDone / Math.max(seconds, 0.001))}/s`,
    );
  for (const { path: harmed, error } of faults.slice(0, MAX_SHOWN)) diagnostics.warn(`${output.name(harmed)}: ${error.message}`);
  if (faults.length === 0) return;
  const more = faults.length > MAX_SHOWN ? `, ${faults.length - MAX_SHOWN} of them not shown` : '';
  throw new VtError('EMISSING', `${direction}: Blocks of ${countText(faults.length, 'path')} cannot be had${more}`, {
    remedy: direction === 'pull' ? 'pull from another peer that has them' : 'fsck tells what is missing, repair may bring it back',
  });
}

function jobsOf(word: true | Octets | undefined, direction: Direction): number | undefined {
  if (word === undefined) return undefined;
  const jobs = Number(word);
  if (!Number.isSafeInteger(jobs) || jobs < 1 || jobs > MAX_PARALLEL)
    throw new UsageError(`${direction} -j "${word}": expected a number of 1 to ${MAX_PARALLEL}`);
  return jobs;
}

function rateOf(word: true | Octets | undefined, direction: Direction): number | undefined {
  if (word === undefined) return undefined;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([kmgKMG]?)$/.exec(String(word)) ?? [];
  const rate = Number(number || Number.NaN) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
  if (!(rate > 0)) throw new UsageError(`${direction} --limit-rate "${word}": expected octets a second, such as 500k or 2M`);
  return rate;
}
