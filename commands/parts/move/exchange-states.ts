import type { Archive, ArchiveEntry } from '../../../core/archive/archive.ts';
import type { ArchiveLine } from '../../../core/archive/archive-line.ts';
import type { ArchiveNotes } from '../../../core/archive/archive-notes.ts';
import { isForgotten, linesOf } from '../../../core/archive/lines-up-to.ts';
import { marksOf, withMarks } from '../../../core/archive/mark-notes.ts';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import {
  isStateId,
  mergedStates,
  notesElsewhere,
  parentNote,
  statedParent,
  stateId,
  statesBefore,
} from '../../../core/history/ancestry.ts';
import { forwardOf } from '../../../core/history/forward.ts';
import { StateGraph } from '../../../core/history/state-graph.ts';
import { isReadable } from '../../../core/maintain/is-readable.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import { ROOT_PATH } from '../../../core/tree/path.ts';
import type { CommandContext } from '../../command.ts';
import { countText, sizeText } from '../format.ts';
import type { Ends, Exchange } from './exchange.ts';
import { endsOf, requireForward } from './exchange.ts';
import { nearOf } from './move-blocks.ts';

// Sends or fetches all states of an archive, with their Blocks and notes.

/**
 * Copies all states of an archive that one side lacks, each with its Blocks, date and notes. At the end, every state on that side is
 * checked.
 *
 * @throws {VtError} EFAILED if that side has states that the other lacks; EMISSING if Blocks are not available
 */
export async function exchangeStates(context: CommandContext, name: Octets, exchange: Exchange): Promise<void> {
  const { output, signal } = context;
  const { direction, peer, how } = exchange;
  const ends = endsOf(context, name, exchange);
  const history = await linesOf(ends.from, { signal });
  const lines = history.filter((line) => !isForgotten(line));
  const there = await linesOf(ends.to, { signal });
  const known = new Set(there.filter((line) => !isForgotten(line)).map(stateId));
  const missing = lines.filter((line) => !known.has(stateId(line)));
  const newest = lines.at(-1);
  // Unrelated roots, as of Dirrefs, have no order.
  const isOrdered = lines.some((line) => statedParent(line) !== '' || statesBefore(line) !== undefined);
  const relation = newest === undefined || !isOrdered ? 'newer' : requireForward(exchange, name, forwardOf(history, there)).relation;
  const moved = { blocks: 0, bytes: 0 };
  for (const [i, line] of missing.entries()) {
    const label = `${direction} ${output.name(name)}, state ${i + 1} of ${missing.length}`;
    for (const { dirent, isNeeded } of await treesOf(ends.fromStore, line, signal)) {
      const { blocks, bytes } = await moveTree(context, exchange, ends, { dirent, label, isNeeded });
      moved.blocks += blocks;
      moved.bytes += bytes;
    }
  }
  if (!how.plan) {
    await append(exchange, ends, { history, lines, missing, there, last: relation === 'older' ? there.at(-1) : newest }, signal);
    await setMarks(context, exchange, name, ends.to, lines);
    await check(context, exchange, name, ends, lines);
  }
  const states = `${countText(missing.length, 'state')} of ${lines.length}`;
  const blocks = `${countText(moved.blocks, 'Block')} (${sizeText(moved.bytes)})`;
  const place = placeOf(exchange);
  output.line(
    how.plan
      ? `${direction} ${output.name(name)}: ${states} missing ${place}, with at most ${blocks}`
      : `${direction}ed ${output.name(name)}: ${states}, ${blocks}; all of them are complete ${place}`,
  );
  output.record({
    [direction]: peer.name,
    archive: octetsToText(name),
    ...(how.plan ? { plan: true } : {}),
    states: lines.length,
    missing_states: missing.length,
    blocks: moved.blocks,
    bytes: moved.bytes,
  });
}

function placeOf({ direction, peer }: Exchange): string {
  return direction === 'push' ? `at ${peer.name}` : 'here';
}

/** The tree of a state, and the available trees that were merged into it: later merges may need them as their base. */
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
  { diagnostics, signal }: CommandContext,
  { direction, how }: Exchange,
  { fromStore, toStore }: Ends,
  { dirent, label, isNeeded }: { readonly dirent: Dirent; readonly label: string; readonly isNeeded: boolean },
): Promise<{ readonly blocks: number; readonly bytes: number }> {
  const sync = new SyncProcess(fromStore, toStore, {
    near: nearOf(direction),
    ...how,
    signal,
    onProgress: ({ progressDone, progressTotal, doneBlocks }) =>
      diagnostics.progress({ label, doneBytes: progressDone, totalBytes: progressTotal, doneItems: doneBlocks }),
  });
  const { missingBlocks, missingBytes } = await sync.estimateDirent(dirent);
  if (!how.plan) await sync.transfer();
  const [fault] = sync.faults;
  if (fault !== undefined && isNeeded)
    throw new VtError('EMISSING', `${direction}: "${fault.path}" of ${label.replace(/^\w+ /, '')}: ${fault.error.message}`, {
      remedy: 'fsck lists what is missing, repair may restore it, gc --drop removes a state',
    });
  return { blocks: missingBlocks, bytes: missingBytes };
}

/** Appends states in order. The newest state of that side stays the newest: it is appended again after older ones. */
async function append(
  { direction }: Exchange,
  { to, toStore }: Ends,
  states: {
    readonly history: readonly ArchiveEntry[];
    readonly lines: readonly ArchiveEntry[];
    readonly missing: readonly ArchiveEntry[];
    readonly there: readonly ArchiveLine[];
    readonly last: ArchiveLine | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  const { history, lines, missing, there, last } = states;
  if (missing.length === 0 || last === undefined) return;
  await capability(toStore, 'making')?.make();
  let before = there.at(-1);
  const put = async (line: ArchiveLine): Promise<void> => {
    const expected = before;
    const appended = await to.append(async (newest) => await Promise.resolve(idOf(newest) === idOf(expected) ? line : undefined), {
      signal,
    });
    if (appended === undefined)
      throw new VtError('EFAILED', `${direction}: another session recorded a state in archive "${to.name}" meanwhile`, {
        remedy: `${direction} again`,
      });
    before = line;
  };
  for (const line of missing) {
    const forgotten = forgottenBefore(history, line);
    const parent = lines[lines.indexOf(line) - 1];
    const isNext = idOf(parent) === idOf(before) || statedParent(line) !== undefined;
    const shown = isNext ? line : { ...line, notes: new Map([...(line.notes ?? []), ...parentNote(parent)]) };
    await put(forgotten.length === 0 ? shown : { ...shown, notes: notesElsewhere(shown, forgotten) });
  }
  if (idOf(last) !== idOf(before)) await put(last);
}

/** Ids of all states before one whose predecessor was forgotten, since no line on the other side names them. Empty for other states. */
function forgottenBefore(history: readonly ArchiveEntry[], line: ArchiveEntry): readonly string[] {
  const at = history.indexOf(line);
  const before = history[at - 1];
  if (before === undefined || !isForgotten(before) || statesBefore(line) !== undefined) return [];
  const graph = new StateGraph();
  const id = graph.add(history.slice(0, at + 1), ROOT_PATH);
  return id === undefined ? [] : [...graph.upTo(id)].filter((one) => one !== id && isStateId(one));
}

/** Adds tags and protection to states that the other side already had. Its own marks stay. */
async function setMarks(
  { diagnostics, signal }: CommandContext,
  exchange: Exchange,
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
      `${exchange.direction} "${octetsToText(name)}": tags or protection of ${countText(unset, 'state')} could not be set ${placeOf(exchange)}: use tag and protect there`,
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

/** Checks every state and all its Blocks on the receiving side. */
async function check(
  { diagnostics, signal }: CommandContext,
  exchange: Exchange,
  name: Octets,
  { to, fromStore, toStore }: Ends,
  lines: readonly ArchiveLine[],
): Promise<void> {
  const { direction, how } = exchange;
  const known = new Set((await linesOf(to, { signal })).filter((line) => !isForgotten(line)).map(stateId));
  for (const [i, line] of lines.entries()) {
    diagnostics.progress({ label: `check ${octetsToText(name)}`, doneBytes: 0, totalBytes: 0, doneItems: i });
    const sync = new SyncProcess(fromStore, toStore, { near: nearOf(direction), ...how, plan: true, recheck: true, signal });
    const { missingBlocks } = await sync.estimateDirent(line.dirent);
    if (missingBlocks === 0 && sync.faults.length === 0 && known.has(stateId(line))) continue;
    throw new VtError(
      'EMISSING',
      `${direction} "${octetsToText(name)}": state @${i + 1} is not complete ${placeOf(exchange)}: ${countText(missingBlocks, 'Block')} missing`,
      { remedy: `${direction} again` },
    );
  }
}
