import { join } from 'node:path';
import { throwIfCancelled } from '../base/errors.ts';
import type { Datadir } from '../datadir/datadir-store.ts';
import { madeAnewError } from '../datadir/index/block-index.ts';
import type { Location } from '../datadir/index/index-types.ts';

/** A Block, and its place according to the index. */
export type Entry = readonly [digest: Uint8Array, location: Location];

/** Entries per step. */
const STEP = 16_384;

/** Visits every entry of the index. */
export async function forEachEntry(
  datadir: Datadir,
  signal: AbortSignal | undefined,
  visit: (digest: Uint8Array, location: Location) => void,
): Promise<void> {
  for await (const entries of entrySteps(datadir, signal)) for (const [digest, location] of entries) visit(digest, location);
}

/** All entries of the index, in steps. @throws {VtError} if the index was rebuilt meanwhile */
export async function* entrySteps(datadir: Datadir, signal: AbortSignal | undefined): AsyncGenerator<readonly Entry[], void, undefined> {
  const { index, path } = datadir.internals();
  index.refresh();
  for (let after: Uint8Array | undefined; ; ) {
    throwIfCancelled(signal);
    // A rebuilt index is incomplete at first, and Blocks that it lacks would seem unneeded.
    if (index.isMadeAnew) throw madeAnewError(join(path, 'index'));
    const entries = index.entries(after, STEP);
    yield entries;
    after = entries.at(-1)?.[0];
    if (after === undefined) return;
    await new Promise((resolve) => setImmediate(resolve));
    index.refresh();
  }
}
