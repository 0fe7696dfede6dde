import { VtError } from '../../../core/base/errors.ts';
import { groupedDigits } from '../../../core/base/grouped-digits.ts';
import type { Octets } from '../../../core/base/octets.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { Peer } from '../../../core/openers/peer-table.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import type { SyncEstimate, SyncProcess } from '../../../core/sync/sync-process.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { CommandContext } from '../../command.ts';
import { countText, octetsFields, sizeText } from '../format.ts';

// Moves the Blocks of one Dirent to or from a peer.

/** Faults to print; further ones are only counted. */
const MAX_SHOWN = 100;

/** `pull` fetches what is missing here, `push` sends what the peer lacks. */
export type Direction = 'pull' | 'push';

/** Which side of a transfer is ours. */
export function nearOf(direction: Direction): 'from' | 'to' {
  return direction === 'pull' ? 'to' : 'from';
}

/** Options for moving Blocks. */
export interface How {
  readonly plan: boolean;
  readonly contents: boolean;
  readonly order: 'depth' | 'breadth';
  readonly recheck: boolean;
  readonly parallel: number | undefined;
  readonly bytesPerSecond: number | undefined;
  /** Our side, if it is not the Store of the session. */
  readonly here?: Store;
}

/** The moved tree. */
export interface Moved {
  readonly path: TreePath;
  readonly dirent: Dirent;
  /** Its name in messages; default its path. */
  readonly name?: Octets;
}

/** Moves the Blocks of a Dirent that the other side lacks. */
export async function transferOne(
  context: CommandContext,
  direction: Direction,
  peer: Peer,
  { path, dirent, name = path }: Moved,
  how: How,
): Promise<void> {
  const { session, output, diagnostics, signal } = context;
  const here = how.here ?? session.store;
  const { SyncProcess } = await import('../../../core/sync/sync-process.ts');
  const isPull = direction === 'pull';
  const label = `${direction} ${output.name(name)}`;
  // Flush first: Blocks that this session added may be neither durable nor visible to others.
  if (!isPull && !how.plan) await here.flush({ signal });
  const to = isPull ? here : peer.store;
  const work = new SyncProcess(isPull ? peer.store : here, to, {
    near: nearOf(direction),
    ...how,
    signal,
    onProgress: ({ progressDone, progressTotal, doneBlocks }) =>
      diagnostics.progress({ label, doneBytes: progressDone, totalBytes: progressTotal, doneItems: doneBlocks }),
  });
  const startMs = performance.now();
  let estimate: SyncEstimate | undefined;
  // An estimate, if the receiving Store can give one.
  let puts: number | undefined;
  try {
    estimate = await work.estimateDirent(dirent, path);
    const { missingBlocks, missingBytes, neededBlocks } = estimate;
    const where = isPull ? 'here' : `at ${peer.name}`;
    puts = how.plan ? capability(to, 'costs')?.putsFor(missingBytes) : undefined;
    const cost = puts === undefined ? '' : `, about ${groupedDigits(puts)} PUT`;
    output.line(
      `${label}: ${countText(missingBlocks, 'Block')} of ${groupedDigits(neededBlocks)} missing ${where} (${sizeText(missingBytes)}${cost})`,
    );
    if (!how.plan) await work.transfer();
    if (isPull && !how.plan) await session.keep(signal);
  } catch (error) {
    if (work.doneBlocks > 0)
      diagnostics.warn(
        `${label}: ${countText(work.doneBlocks, 'Block')} (${sizeText(work.progressDone)}) are moved and stay; the same command continues from there`,
      );
    throw error;
  }
  tellEnd(
    context,
    direction,
    peer,
    { path, dirent, name },
    { work, estimate, puts, plan: how.plan, seconds: (performance.now() - startMs) / 1000 },
  );
}

function tellEnd(
  { output, diagnostics }: CommandContext,
  direction: Direction,
  peer: Peer,
  { path, name = path }: Moved,
  {
    work,
    estimate,
    puts,
    plan,
    seconds,
  }: { work: SyncProcess; estimate: SyncEstimate; puts: number | undefined; plan: boolean; seconds: number },
): void {
  const { faults, doneBlocks, progressDone } = work;
  output.record({
    [direction]: peer.name,
    ...octetsFields('path', path),
    ...(plan ? { plan: true } : {}),
    needed_blocks: estimate.neededBlocks,
    missing_blocks: estimate.missingBlocks,
    missing_bytes: estimate.missingBytes,
    ...(puts === undefined ? {} : { puts }),
    ...(plan ? {} : { moved_blocks: doneBlocks, moved_bytes: progressDone }),
    faults: faults.length,
    seconds: Number(seconds.toFixed(3)),
  });
  if (!plan)
    output.line(
      `${direction === 'pull' ? 'pulled' : 'pushed'} ${output.name(name)}: ${countText(doneBlocks, 'Block')} (${sizeText(progressDone)}); ${seconds.toFixed(2)} s, ${sizeText(progressDone / Math.max(seconds, 0.001))}/s`,
    );
  for (const { path: harmed, error } of faults.slice(0, MAX_SHOWN)) diagnostics.warn(`${output.name(harmed)}: ${error.message}`);
  if (faults.length === 0) return;
  const more = faults.length > MAX_SHOWN ? `, ${faults.length - MAX_SHOWN} of them not shown` : '';
  throw new VtError('EMISSING', `${direction}: Blocks of ${countText(faults.length, 'path')} are not available${more}`, {
    remedy: direction === 'pull' ? 'pull from another peer that has them' : 'fsck lists what is missing, repair may restore it',
  });
}
