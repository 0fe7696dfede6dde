import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_EDGES } from '../../../core/block/edge-settings.ts';
import { readDescription } from '../../../core/wire/hello.ts';

const HELLO = { version: 1, hash: 'sha3-256', can: { write: true } } as const;

test('a server tells how it cuts', () => {
  assert.deepEqual(readDescription({ ...HELLO, edges: { ...DEFAULT_EDGES } }, 's').edges, DEFAULT_EDGES);
  const { coarseFrom: _, ...plain } = DEFAULT_EDGES;
  assert.deepEqual(readDescription({ ...HELLO, edges: { ...plain } }, 's').edges, plain);
});

test('a server whose Blocks would be of sizes that cannot be is refused before any memory is asked for', () => {
  for (const wrong of [
    { maxSize: 2 ** 53 },
    { maxSize: 2 ** 24 + 1 },
    { maxSize: 4096 },
    { minSize: 0 },
    { minSize: 1.5 },
    { meanSize: 1 },
    { meanSize: 'much' },
    { coarseFrom: Number.MAX_VALUE },
    { kernel: 7 },
  ])
    assert.throws(
      () => readDescription({ ...HELLO, edges: { ...DEFAULT_EDGES, ...wrong } }, 's'),
      { code: 'EUNSUPPORTED', message: 'open Store "s": it does not tell how it cuts' },
      JSON.stringify(wrong),
    );
});
