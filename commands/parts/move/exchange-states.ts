import type { Archive } from '../../../core/archive/archive.ts';
import type { ArchiveLine } from '../../../core/archive/archive-line.ts';
import type { ArchiveNotes } from '../../../core/archive/archive-notes.ts';
import { isForgotten, linesOf } from '../../../core/archive/lines-up-to.ts';
import { marksOf, withMarks } from '../../../core/archive/mark-notes.ts';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { mergedStates, parentNote, statedParent, stateId } from '../../../core/history/ancestry.ts';
import { forwardOf } from '../../../core/history/forward.ts';
import { isReadable } from '../../../core/maintain/is-readable.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import type { CommandContext } from '../../command.ts';
import { countText, sizeText } from '../format.ts';
import type { Exchange } from './exchange.ts';
import { requireArchive, requireForward } from './exchange.ts';

// All states of an archive, with their Blocks and notes, to a peer.

/**
 * Sends what a peer lacks of an archive: each state with its Blocks, its date and its notes. At the end every state is looked for over there.
 *
 * @throws {VtError} EFAILED where the peer has states that are not here; EMISSING where Blocks cannot be had
 */
export async function pushStates(context: CommandContext, name: Octets, exchange: Exchange): Promise<void> {
  const { session, output, signal } = context;
  const { peer, how } = exchange;
  const to = requireArchive(peer.store, name, 'push');
  const history = await linesOf(requireArchive(session.store, name, 'push'), { signal });
  const lines = history.filter((line) => !isForgotten(line));
  const theirs = await linesOf(to, { signal });
  const known = new Set(theirs.filter((line) => !isForgotten(line)).map(stateId));
  const missing = lines.filter((line) => !known.has(stateId(line)));
  const newest = lines.at(-1);
  // Roots that have nothing to do with each other stand in any order.
  const isOrdered = lines.some((line) => statedParent(line) !== '');
  const relation = newest === undefined || !isOrdered ? 'newer' : requireForward(exchange, name, forwardOf(history, theirs)).relation;
  const moved = { blocks: 0, bytes: 0 };
  for (const [i, line] of missing.entries()) {
    const label = `push ${output.name(name)}, state ${i + 1} of ${missing.length}`;
    for (const { dirent, isNeeded } of await treesOf(session.store, line, signal)) {
      const { blocks, bytes } = await moveTree(context, exchange, dirent, label, isNeeded);
      moved.blocks += blocks;
      moved.bytes += bytes;
    }
  }
  if (!how.plan) {
    await append(to, peer.store, { lines, missing, theirs, last: relation === 'older' ? theirs.at(-1) : newest }, signal);
    await sendMarks(context, exchange, name, to, lines);
    await check(context, exchange, name, to, lines);
  }
  const states = `${countText(missing.length, 'state')} of ${lines.length}`;
  const blocks = `${countText(moved.blocks, 'Block')} (${sizeText(moved.bytes)})`;
  output.line(
    how.plan
      ? `push ${output.name(name)}: ${states} missing at ${peer.name}, with at most ${blocks}`
      : `pushed ${output.name(name)}: ${states}, ${blocks}; all of them are whole at ${peer.name}`,
  );
  output.record({
    push: peer.name,
    archive: octetsToText(name),
    ...(how.plan ? { plan: true } : {}),
    states: lines.length,
    missing_states: missing.length,
    blocks: moved.blocks,
    bytes: moved.bytes,
  });
}

/** The tree of a state, and those that were merged into it as far as they are here: later merges compare with them. */
async function treesOf(
  store: Store,
  line: ArchiveLine,
  signal: AbortSignal,
): Promise<{ readonly dirent: Dirent; readonly isNeeded: boolean }[]> {
  const merged: Dirent[] = [];
  for (const { dirent } of mergedStates(line)) if (await isReadable(store, dirent, { signal })) merged.push(dirent);
  return [{ dirent: line.dirent, isNeeded: true }, ...merged.map((dirent) => ({ dirent, isNeeded: false }))];
}

async function moveTree(
  { session, diagnostics, signal }: CommandContext,
  { peer, how }: Exchange,
  dirent: Dirent,
  label: string,
  isNeeded: boolean,
): Promise<{ readonly blocks: number; readonly bytes: number }> {
  const sync = new SyncProcess(session.store, peer.store, {
    near: 'from',
    ...how,
    signal,
    onProgress: ({ progressDone, progressTotal, doneBlocks }) =>
      diagnostics.progress({ label, doneBytes: progressDone, totalBytes: progressTotal, doneItems: doneBlocks }),
  });
  const { missingBlocks, missingBytes } = await sync.estimateDirent(dirent);
  if (!how.plan) await sync.transfer();
  const [fault] = sync.faults;
  if (fault !== undefined && isNeeded)
    throw new VtError('EMISSING', `push: "${fault.path}" of ${label.replace(/^push /, '')}: ${fault.error.message}`, {
      remedy: 'fsck tells what is missing, repair may bring it back; gc --drop lets go of a state',
    });
  return { blocks: missingBlocks, bytes: missingBytes };
}

/** Appends the states in their order. What is the newest stays so, though older ones come after it. */
async function append(
  to: Archive,
  store: Store,
  states: {
    readonly lines: readonly ArchiveLine[];
    readonly missing: readonly ArchiveLine[];
    readonly theirs: readonly ArchiveLine[];
    readonly last: ArchiveLine | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  const { lines, missing, theirs, last } = states;
  if (missing.length === 0 || last === undefined) return;
  await capability(store, 'making')?.make();
  let before = theirs.at(-1);
  const put = async (line: ArchiveLine): Promise<void> => {
    const expected = before;
    const appended = await to.append(async (newest) => await Promise.resolve(idOf(newest) === idOf(expected) ? line : undefined), {
      signal,
    });
    if (appended === undefined)
      throw new VtError('EFAILED', `push: somebody else recorded a state in archive "${to.name}" meanwhile`, { remedy: 'push again' });
    before = line;
  };
  for (const line of missing) {
    const parent = lines[lines.indexOf(line) - 1];
    const isNext = idOf(parent) === idOf(before) || statedParent(line) !== undefined;
    await put(isNext ? line : { ...line, notes: new Map([...(line.notes ?? []), ...parentNote(parent)]) });
  }
  if (idOf(last) !== idOf(before)) await put(last);
}

/** Sets tags and protection of states that were there before. What is set over there stays. */
async function sendMarks(
  { diagnostics, signal }: CommandContext,
  { peer }: Exchange,
  name: Octets,
  to: Archive,
  lines: readonly ArchiveLine[],
): Promise<void> {
  const theirs = new Map((await linesOf(to, { signal })).filter((line) => !isForgotten(line)).map((line) => [stateId(line), line]));
  let unset = 0;
  for (const line of lines) {
    const there = theirs.get(stateId(line));
    if (there === undefined || !lacksMarks(there.notes, line)) continue;
    if (to.lines === undefined) unset++;
    else await to.lines.setNotes(there, (notes) => withMarksOf(notes, line), { signal });
  }
  if (unset > 0)
    diagnostics.warn(
      `push "${octetsToText(name)}": tags or protection of ${countText(unset, 'state')} are not at ${peer.name}: tag and protect set them over there`,
    );
}

function lacksMarks(notes: ArchiveNotes | undefined, line: ArchiveLine): boolean {
  const there = marksOf(notes === undefined ? {} : { notes });
  const { tags, isProtected } = marksOf(line);
  return (isProtected && !there.isProtected) || tags.some((tag) => !there.tags.includes(tag));
}

function withMarksOf(notes: ArchiveNotes | undefined, line: ArchiveLine): ArchiveNotes {
  const there = marksOf(notes === undefined ? {} : { notes });
  const { tags, isProtected } = marksOf(line);
  return withMarks(notes, { tags: [...new Set([...there.tags, ...tags])], isProtected: isProtected || there.isProtected });
}

function idOf(line: ArchiveLine | undefined): string {
  return line === undefined ? '' : stateId(line);
}

/** Looks for every state and all its Blocks over there. */
async function check(
  { session, diagnostics, signal }: CommandContext,
  { peer, how }: Exchange,
  name: Octets,
  to: Archive,
  lines: readonly ArchiveLine[],
): Promise<void> {
  const known = new Set((await linesOf(to, { signal })).filter((line) => !isForgotten(line)).map(stateId));
  for (const [i, line] of lines.entries()) {
    diagnostics.progress({ label: `check ${octetsToText(name)}`, doneBytes: 0, totalBytes: 0, doneItems: i });
    const sync = new SyncProcess(session.store, peer.store, { near: 'from', ...how, plan: true, recheck: true, signal });
    const { missingBlocks } = await sync.estimateDirent(line.dirent);
    if (missingBlocks === 0 && sync.faults.length === 0 && known.has(stateId(line))) continue;
    throw new VtError(
      'EMISSING',
      `push "${octetsToText(name)}": state @${i + 1} is not whole at ${peer.name}: ${countText(missingBlocks, 'Block')} missing`,
      {
        remedy: 'push again',
      },
    );
  }
}
