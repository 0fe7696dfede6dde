import type { Archive } from '../../archive/archive.ts';
import { VtError } from '../../base/errors.ts';
import type { OpOptions } from '../../base/op-options.ts';
import type { DirDirent } from '../../dirent/dirent.ts';
import type { Store } from '../../store/store.ts';
import type { WebTree } from '../web-tree.ts';
import { recordedState } from './recorded-state.ts';

/** The recorded states of the shown tree. */
export interface Past {
  readonly archive: Archive;
  /** The URL path before `@STATE/` or a slash. */
  readonly base: string;
  /** The Store with the Blocks of all states. */
  readonly store: Store;
  /** Opens the tree of a state. */
  tree(root: DirDirent): WebTree;
}

/** The tree of a recorded state. @throws {NoStateError} where there is none */
export async function pastState(past: Pick<Past, 'archive' | 'tree'>, spec: string, now: Date, options: OpOptions): Promise<WebTree> {
  const { dirent } = await recordedState(past.archive, spec, now, options);
  if (dirent.kind !== 'dir') throw new VtError('EOPEN', `open archive "${past.archive.name}": its state is not a Dir`);
  return past.tree(dirent);
}
