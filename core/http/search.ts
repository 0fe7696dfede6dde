import { EventTurns } from '../base/event-turns.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import type { DirDirent } from '../dirent/dirent.ts';
import type { NodeDirent } from '../tree/diff/diff.ts';
import type { Tree } from '../tree/tree.ts';
import { walkDirent } from '../tree/walk.ts';

/** Results, at most. */
const MAX_FOUND = 1000;
/** Names that are searched, at most: a tree may be endless. */
const MAX_WALKED = 500_000;
/** Milliseconds of a walk between turns for others. */
const TURN_MS = 5;

/** A name that was found. */
export interface Found {
  /** Path below the searched Dir, without a slash at its start. */
  readonly path: Octets;
  readonly dirent: NodeDirent;
}

/** The result of a search. */
export interface SearchResult {
  readonly found: readonly Found[];
  /** Why it ended: everything was searched, or a limit of results or of searched names was reached. */
  readonly end: 'all' | 'found' | 'walked';
}

/** Finds the names below a Dir that contain a text, ignoring case. */
export async function search(tree: Tree, dir: DirDirent, text: string, signal: AbortSignal): Promise<SearchResult> {
  const wanted = text.toLowerCase();
  const turns = new EventTurns(TURN_MS);
  const found: Found[] = [];
  let walked = 0;
  for await (const item of walkDirent(tree.store, dir, { signal, damage: true })) {
    await turns.next(signal);
    if (item.kind === 'damage' || item.kind === 'leave' || item.path === '/') continue;
    if (++walked > MAX_WALKED) return { found, end: 'walked' };
    const name = item.path.slice(item.path.lastIndexOf('/') + 1) as Octets;
    if (!octetsToText(name).toLowerCase().includes(wanted)) continue;
    if (found.length === MAX_FOUND) return { found, end: 'found' };
    found.push({ path: item.path.slice(1) as Octets, dirent: item.dirent });
  }
  return { found, end: 'all' };
}
