import { formatDirent, parseDirent } from '../dirent/dirent-text.ts';
import type { Store } from '../store/store.ts';
import { knownDirent } from '../tree/other-names.ts';
import type { Checkpoint, TailMark, TailState } from './checkpoint.ts';

/**
 * Translates a checkpoint into the present names of the Store: it may be older than a transition to another hash function. Names without a
 * translation stay as they are; their Blocks are then found to be missing.
 */
export async function knownCheckpoint(store: Store, checkpoint: Checkpoint): Promise<Checkpoint> {
  const tails: TailMark[] = [];
  for (const mark of checkpoint.tails) {
    const { recorded } = mark;
    const isState = recorded !== undefined && recorded !== null;
    tails.push({ ...(await known(store, mark)), ...(isState ? { recorded: await known(store, recorded) } : {}) });
  }
  return { ...checkpoint, tails };
}

async function known<T extends TailState>(store: Store, state: T): Promise<T> {
  const dirent = await knownDirent(store, parseDirent(state.dirent));
  return dirent === undefined ? state : { ...state, dirent: formatDirent(dirent) };
}
