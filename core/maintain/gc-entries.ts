import { join } from 'node:path';
import { throwIfCancelled } from '../base/errors.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { madeAnewError } from '../datadir/index/block-index.ts';
import type { Location } from '../datadir/index/index-types.ts';

/** A Block, and where the index says that it is. */
export type Entry = readonly [digest: Uint8Array, location: Location];

/** Entries read at a time. */
const STEP = 16_384;

/** Visits all that the index has. */
export async function forEachEntry(
  datadir: Datadir,
  signal: AbortSignal | undefined,
  visit: (digest: Uint8Array, location: Location) => void,
): Promise<void> {
  for await (const entries of entrySteps(datadir, signal)) for (const [digest, location] of entries) visit(digest, location);
}

/** All that the index has, some at a time. */
export async function* entrySteps(datadir: Datadir, signal: AbortSignal | undefined): AsyncGenerator<readonly Entry[], void, undefined> {
  const { index, path } = datadir.internals();
  index.refresh();
  for (let after: Uint8Array | undefined; ; ) {
    throwIfCancelled(signal);
    // One that was made again does not know all yet: what it lacks would count as needed by nobody.
    if (index.isMadeAnew) throw madeAnewError(join(path, 'index'));
    const entries = index.entries(after, STEP);
    yield entries;
    after = entries.at(-1)?.[0];
    if (after === undefined) return;
    await new Promise((resolve) => setImmediate(resolve));
    index.refresh();
  }
}
