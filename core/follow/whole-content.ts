import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import { DigestTable } from '../block/digest-table.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import type { Store } from '../store/store.ts';
import { NeededBlocks } from '../sync/needed-blocks.ts';
import { ROOT_PATH } from '../tree/path.ts';

/** Blocks per request. */
const BATCH = 4096;

/** Whether a Store has every Block of a content. Superblocks are read; for other Blocks `has` is called. */
export async function isWholeContent(
  store: Pick<Store, 'get' | 'has' | 'name' | 'hashName'>,
  block: Block,
  { signal }: OpOptions,
): Promise<boolean> {
  const hash = hashByName(store.hashName);
  let waiting: HashCode[] = [];
  let isMissing = false;
  const ask = async (): Promise<void> => {
    const asked = waiting;
    waiting = [];
    isMissing ||= (await store.has(asked, { signal })).includes(false);
  };
  const walk = new NeededBlocks(store, hash, {
    told: new DigestTable(hash.digestSize),
    leaf: (digest) => waiting.push({ hashName: store.hashName, digest }),
    between: () => (waiting.length >= BATCH ? ask() : undefined),
    signal,
  });
  await walk.block(block, ROOT_PATH);
  await ask();
  return !isMissing && walk.faults.length === 0;
}
