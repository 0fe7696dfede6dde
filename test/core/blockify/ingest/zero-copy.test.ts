import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { OpOptions } from '../../../../core/base/op-options.ts';
import type { DigestedBlock } from '../../../../core/block/block-target.ts';
import { Ingest } from '../../../../core/blockify/ingest/ingest.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { ingestFile } from '../../../support/contents/ingest-file.ts';
import { makeRandom } from '../../../support/random.ts';
import { makeScratch } from '../../../support/scratch.ts';

/** A Store that notes in which memory Blocks come to it. */
class WatchingStore extends MemoryStore {
  readonly memories = new Set<ArrayBufferLike>();
  bytes = 0;

  override addBatch(blocks: readonly DigestedBlock[], options?: OpOptions): Promise<boolean[]> {
    for (const { data } of blocks) {
      if (!(data.buffer instanceof SharedArrayBuffer)) continue;
      this.memories.add(data.buffer);
      this.bytes += data.length;
    }
    return super.addBatch(blocks, options);
  }
}

describe('the way of content into a Store', () => {
  for (const workers of [0, 2]) {
    it(`Blocks reach the Store in the memory that their file was read into, with ${workers} workers`, async (t) => {
      const scratch = makeScratch(t);
      const path = scratch.path('file');
      const content = makeRandom(11).bytes(3_000_000);
      writeFileSync(path, content);
      const store = new WatchingStore();
      await using ingest = new Ingest(store, { workers });
      const { block } = await ingestFile(ingest, path);
      assert.equal(block.span, content.length);
      assert.equal(store.memories.size, 1);
      assert.equal(store.bytes, content.length);
    });
  }
});
