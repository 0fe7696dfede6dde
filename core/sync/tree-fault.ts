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

/** Blocks of content that are asked for at once. */
const ASK_STEP = 4096;

/**
 * What a Store lacks of a tree, contents included: the first fault found, or undefined where all is there. Dirs that are noted to be complete
 * are passed over, and others are noted, where the Store can keep notes: of a tree that changes little, little is walked.
 *
 * @param options.between - awaited between steps: other work has its turn there
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
      // The rest of it is nobody's concern.
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
