import type { Archive, ArchiveEntry } from '../../../core/archive/archive.ts';
import type { ArchiveLine } from '../../../core/archive/archive-line.ts';
import { linesOf } from '../../../core/archive/lines-up-to.ts';
import { formatStateTime } from '../../../core/base/date.ts';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { mergedNotes, stateId, statesBefore } from '../../../core/history/ancestry.ts';
import type { Forward } from '../../../core/history/forward.ts';
import { forwardOf } from '../../../core/history/forward.ts';
import type { Peer } from '../../../core/openers/peer-table.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { ROOT_PATH } from '../../../core/tree/path.ts';
import type { CommandContext } from '../../command.ts';
import { timeText } from '../format.ts';
import type { Direction, How } from './move-blocks.ts';
import { transferOne } from './move-blocks.ts';
import { tellChanges } from './tell-changes.ts';

// Sends or fetches the newest state of an archive, with its Blocks, if that hides no state of the other side.

/** A transfer of states: direction, peer and options. */
export interface Exchange {
  readonly direction: Direction;
  readonly peer: Peer;
  readonly how: How;
  /** Whether to list all changes here. */
  readonly isVerbose: boolean;
}

/** The archive and the Store of each side. */
export interface Ends {
  readonly from: Archive;
  readonly to: Archive;
  readonly fromStore: Store;
  readonly toStore: Store;
}

/**
 * Sends or fetches the newest state of an archive, and records it on the other side with its date.
 *
 * @throws {VtError} EFAILED if the other side has states that this one lacks
 */
export async function exchangeArchive(context: CommandContext, name: Octets, exchange: Exchange): Promise<void> {
  const { direction, peer, how } = exchange;
  const { output, signal } = context;
  const ends = endsOf(context, name, exchange);
  const lines = await linesOf(ends.from, { signal });
  const newest = lines.at(-1);
  if (newest === undefined)
    throw new VtError(
      'EFAILED',
      `${direction} "${octetsToText(name)}": ${direction === 'pull' ? peer.name : 'this Store'} has no state of that archive`,
    );
  const before = await linesOf(ends.to, { signal });
  const forward = requireForward(exchange, name, forwardOf(lines, before));
  if (forward.relation !== 'newer') {
    tell(context, exchange, name, newest, forward.relation);
    return;
  }
  const { line } = forward;
  await transferOne(context, direction, peer, { path: ROOT_PATH, dirent: line.dirent, name }, how);
  if (how.plan) {
    if (direction === 'pull' && isOpenArchive(context, name)) context.wouldChange();
    return;
  }
  if (direction === 'pull' && isOpenArchive(context, name)) await showHere(context, line);
  else await recordThere(context, exchange, name, ends, lines, line, before.at(-1));
  tell(context, exchange, name, line, 'newer');
  if (direction === 'pull' && line.dirent.kind === 'dir') {
    const last = before.at(-1)?.dirent;
    await tellChanges(context, { top: ROOT_PATH, before: last?.kind === 'dir' ? last : undefined, after: line.dirent }, exchange.isVerbose);
  }
  output.record({ [direction]: peer.name, archive: octetsToText(name), state: stateId(line), when: timeText(line.whenNs), recorded: true });
}

/** The two sides of an exchange. @throws {VtError} EFAILED if a side has no archives, or for an invalid name */
export function endsOf({ session }: CommandContext, name: Octets, { direction, peer, how }: Exchange): Ends {
  const here = how.here ?? session.store;
  const ours = requireArchive(here, name, direction);
  const theirs = requireArchive(peer.store, name, direction);
  return direction === 'push'
    ? { from: ours, to: theirs, fromStore: here, toStore: peer.store }
    : { from: theirs, to: ours, fromStore: peer.store, toStore: here };
}

/** Opens an archive. @throws {VtError} EFAILED for a Store without archives, or an invalid name */
function requireArchive(store: Store, name: Octets, direction: Direction): Archive {
  const text = octetsToText(name);
  try {
    const archive = archiveOf(store, text);
    if (archive !== undefined) return archive;
  } catch (error) {
    if (!(error instanceof VtError)) throw error;
    throw new VtError('EFAILED', `${direction} "${text}": not a name of an archive`, { remedy: `${direction} --blocks-only takes paths` });
  }
  throw new VtError('EFAILED', `${direction} "${text}": Store "${store.name}" has no archives`, {
    remedy: `${direction} --blocks-only moves only Blocks`,
  });
}

/** Narrows a relation to one that allows the exchange. @throws {VtError} EFAILED if each side has states that the other lacks */
export function requireForward(
  { direction, peer }: Pick<Exchange, 'direction' | 'peer'>,
  name: Octets,
  forward: Forward,
): Exclude<Forward, { readonly relation: 'parted' }> {
  if (forward.relation !== 'parted') return forward;
  const whose = direction === 'push' ? `${peer.name} has states` : 'there are states here';
  const lacks = direction === 'push' ? 'are not here' : `${peer.name} lacks`;
  throw new VtError('EFAILED', `${direction} "${octetsToText(name)}": ${whose} that ${lacks}, and nothing was changed`, {
    remedy: `merge first: merge '${peer.specification}'${direction === 'push' ? ', then push again' : ''}`,
  });
}

function isOpenArchive({ session }: CommandContext, name: Octets): boolean {
  return session.archive !== undefined && session.archiveName === octetsToText(name);
}

/** Changes the session's tree to the state and records it. Nodes in use keep their identity. */
async function showHere({ session, signal }: CommandContext, line: ArchiveLine): Promise<void> {
  const { dirent } = line;
  const ours = await session.tree.dirent(ROOT_PATH, { signal });
  if (dirent.kind !== 'dir' || ours.kind !== 'dir') throw new VtError('EFAILED', `pull: the newest state is a ${dirent.kind}, not a Dir`);
  const { adopt } = session.tree;
  if (adopt === undefined) throw new VtError('EUNSUPPORTED', `pull: the root of "${session.tree.name}" cannot be replaced`);
  const after: DirDirent = { ...dirent, name: ours.name };
  // Never cancel between the two steps: otherwise the tree would be recorded as a new state.
  await adopt.call(session.tree, ours, after, {});
  await session.sync(undefined, {
    state: line,
    notes: mergedNotes([{ whenNs: line.whenNs, dirent, path: ROOT_PATH, after: statesBefore(line) ?? [] }]),
  });
}

/** Appends the state to the archive of the other side, unless that would hide a state recorded there meanwhile. */
async function recordThere(
  { signal }: CommandContext,
  exchange: Exchange,
  name: Octets,
  { to, toStore }: Ends,
  lines: readonly ArchiveLine[],
  line: ArchiveLine,
  seen: ArchiveLine | undefined,
): Promise<void> {
  await capability(toStore, 'making')?.make();
  const decide = async (last: ArchiveEntry | undefined): Promise<ArchiveLine | undefined> => {
    if (last === undefined || (seen !== undefined && stateId(last) === stateId(seen))) return line;
    const forward = requireForward(exchange, name, forwardOf(lines, await linesOf(to, { signal })));
    return forward.relation === 'newer' ? forward.line : undefined;
  };
  await to.append(decide, { signal });
}

function tell(
  { output }: CommandContext,
  { direction, peer, how }: Exchange,
  name: Octets,
  { whenNs }: ArchiveLine,
  relation: Exclude<Forward['relation'], 'parted'>,
): void {
  const there = direction === 'push' ? `at ${peer.name}` : 'here';
  const shown = `${direction} ${output.name(name)}: `;
  if (relation === 'newer') {
    output.line(`${shown}the state of ${formatStateTime(whenNs)} is the newest ${there}`);
    return;
  }
  output.line(
    `${shown}${relation === 'same' ? `up to date ${there}` : `${direction === 'push' ? peer.name : 'this Store'} is ahead; nothing to ${direction}`}`,
  );
  output.record({ [direction]: peer.name, archive: octetsToText(name), ...(how.plan ? { plan: true } : {}), recorded: false, relation });
}
