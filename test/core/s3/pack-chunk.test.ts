import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PackChunk } from '../../../core/s3/pack-chunk.ts';

it('a range is got as long as one of its readers waits, and no longer', async () => {
  let asked: AbortSignal | undefined;
  const pack = 'd-0';
  const chunk = new PackChunk({ pack, start: 10, end: 20 }, (signal) => {
    asked = signal;
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))));
  });
  chunk.data.catch(() => undefined);
  const [first, second] = [new AbortController(), new AbortController()];
  const readers = [chunk.part(10, 12, first.signal), chunk.part(12, 20, second.signal)];
  first.abort();
  await assert.rejects(readers[0] as Promise<unknown>, { code: 'ECANCELLED' });
  assert.deepEqual([asked?.aborted, chunk.holds(pack, 10, 20)], [false, true]);
  second.abort();
  await assert.rejects(readers[1] as Promise<unknown>, { code: 'ECANCELLED' });
  assert.deepEqual([asked?.aborted, chunk.holds(pack, 10, 20)], [true, false]);
});
