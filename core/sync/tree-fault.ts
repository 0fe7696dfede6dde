import { MissingBlockError, throwIfCancelled } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { hashByName } from '../block/hash.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import type { Dirent } from '../dirent/dirent.ts';
import type { Store } from '../store/store.ts';
import type { TreePath } from '../tree/path.ts';
import { ROOT_PATH } from '../tree/path.ts';
import { openMarks } from './complete-marks.ts';
import type { WalkFault } from './needed-blocks.ts';
import { NeededBlocks } from './needed-blocks.ts';

/** Blocks of content per `has` request. */
const ASK_STEP = 4096;

/**
 * Finds a missing or damaged Block of a tree, contents included. Resolves with the first fault, or undefined if the tree is complete. It
 * skips Dirs marked complete and marks others, if the Store can keep marks. So only changed parts of a tree are walked.
 *
 * @param options.between - called between steps, to let other work have its turn
 */
export async function treeFault(
  store: Store,
  root: Dirent,
  options: OpOptions & { readonly between?: (() => Promise<void> | undefined) | undefined } = {},
): Promise<WalkFault | undefined> {
  const found = new AbortController();
  const signal = options.signal === undefined ? found.signal : AbortSignal.any([options.signal, found.signal]);
  const marks = await openMarks(store, store, 'to', signal);
  const { hashName } = store;
  let asked: { readonly digest: Uint8Array; readonly path: TreePath }[] = [];
  const askedFault = async (): Promise<WalkFault | undefined> => {
    const batch = asked;
    asked = [];
    const has = await store.has(
      batch.map(({ digest }) => ({ hashName, digest })),
      { signal },
    );
    const missing = batch[has.indexOf(false)];
    if (missing === undefined) return undefined;
    return { path: missing.path, error: new MissingBlockError(hashcodeLabel({ hashName, digest: missing.digest }), store.name) };
  };
  let fault: WalkFault | undefined;
  const walk = new NeededBlocks(store, hashByName(hashName), {
    isComplete: (digest) => marks?.has(digest) === true,
    leaf: (digest, _, path) => void asked.push({ digest: Uint8Array.from(digest), path }),
    between: async () => {
      if (asked.length >= ASK_STEP) fault ??= await askedFault();
      fault ??= walk.faults[0];
      // One fault is enough: stop.
      if (fault !== undefined) found.abort();
      await options.between?.();
    },
    signal,
  });
  try {
    await walk.dirent(root, ROOT_PATH);
    fault ??= walk.faults[0] ?? (await askedFault());
  } catch (error) {
    throwIfCancelled(options.signal);
    if (fault === undefined) throw error;
  }
  if (fault === undefined) await marks?.noteComplete(walk.dirs, signal);
  return fault;
}
