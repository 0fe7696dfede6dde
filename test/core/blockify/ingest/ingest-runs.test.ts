import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ingest } from '../../../../core/blockify/ingest/ingest.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { ingestFile } from '../../../support/contents/ingest-file.ts';
import { makeScratch } from '../../../support/scratch.ts';

test('a file of runs alone is references to runs, however many there are', async (t) => {
  const path = makeScratch(t).path('runs');
  const octets = Array.from({ length: 9 }, (_, i) => i);
  writeFileSync(path, Buffer.concat(octets.map((octet) => Buffer.alloc(8192, octet))));
  await using store = new MemoryStore();
  await using ingest = new Ingest(store, { workers: 0 });
  const { block } = await ingestFile(ingest, path);
  assert.equal(block.span, 9 * 8192);
  // Nine short references: the superblock alone is stored. (One was a hashed leaf once, with a digest of zeros.)
  await ingest.flushPending();
  assert.deepEqual([store.counts().newBlocks, block.kind], [1, 'indirect']);
});
