import { EventTurns } from '../base/event-turns.ts';
import type { Octets } from '../base/octets.ts';
import type { Store } from '../store/store.ts';
import { changedBytes } from '../tree/diff/changed-ranges.ts';
import type { DiffItem, NodeDirent } from '../tree/diff/diff.ts';
import { diffTrees } from '../tree/diff/diff.ts';

/** Differences that are looked at: two trees may have nothing in common. */
const MAX_CHANGES = 200_000;
/** Milliseconds of a comparison until others have their turn. */
const TURN_MS = 5;

/** What differs at one name of a Dir, or below it. */
export interface ChangedName {
  readonly name: Octets;
  readonly before: NodeDirent | undefined;
  readonly after: NodeDirent | undefined;
  /** Names that are new, gone or changed: itself and all below. */
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Octets of content that only the later tree has, and only the earlier one. */
  readonly newBytes: number;
  readonly goneBytes: number;
}

/**
 * What differs between two states of a Dir, by the names in it. Blocks that both have are not read.
 *
 * @param lookup - the node of a name in either
 * @returns the names, and whether all differences were counted
 */
export async function treeChanges(
  source: Store,
  before: NodeDirent | undefined,
  after: NodeDirent | undefined,
  lookup: (which: 'before' | 'after', name: Octets) => Promise<NodeDirent | undefined>,
  signal: AbortSignal,
): Promise<{ readonly names: readonly ChangedName[]; readonly isWhole: boolean }> {
  const counts = new Map<Octets, Tally>();
  const turns = new EventTurns(TURN_MS);
  let seen = 0;
  for await (const item of diffTrees({ top: before, source }, { top: after, source }, { signal })) {
    await turns.next(signal);
    const name = item.path.split('/')[1] as Octets;
    if (name === '') continue;
    if (seen++ === MAX_CHANGES) break;
    const tally = counts.get(name) ?? { added: 0, removed: 0, changed: 0, newBytes: 0, goneBytes: 0 };
    counts.set(name, tally);
    await count(tally, item, source, signal);
  }
  const names: ChangedName[] = [];
  for (const [name, tally] of counts)
    names.push({ name, ...tally, before: await lookup('before', name), after: await lookup('after', name) });
  return { names, isWhole: seen <= MAX_CHANGES };
}

type Tally = { -readonly [Key in 'added' | 'removed' | 'changed' | 'newBytes' | 'goneBytes']: number };

async function count(tally: Tally, item: DiffItem, source: Store, signal: AbortSignal): Promise<void> {
  tally[item.kind]++;
  if (item.kind === 'added') tally.newBytes += sizeOf(item.after);
  else if (item.kind === 'removed') tally.goneBytes += sizeOf(item.before);
  else if (item.content && item.before.kind === 'file' && item.after.kind === 'file') {
    const side = (top: NodeDirent): { readonly top: NodeDirent; readonly source: Store } => ({ top, source });
    const { path } = item;
    const bytes = await changedBytes(
      { side: side(item.before), path, file: item.before },
      { side: side(item.after), path, file: item.after },
      { signal },
    );
    tally.newBytes += bytes.added;
    tally.goneBytes += bytes.removed;
  }
}

function sizeOf(dirent: NodeDirent): number {
  return dirent.kind === 'file' ? Math.max(0, dirent.block.span) : 0;
}
