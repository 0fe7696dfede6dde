import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openServed, serveIn, serviceOf } from './served-store.ts';

/** Octets that any Store takes. */
const SOME = Buffer.from('some octets');

it('a Store that is served is opened once a client has said hello, and not before; that it fails to is told to who asks', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-hello-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let opened: () => void = () => undefined;
  const hasOpened = new Promise<void>((resolve) => {
    opened = resolve;
  });
  let looks = 0;
  const store = new MemoryStore();
  const has = store.has.bind(store);
  store.has = async (hashcodes, options) => {
    looks++;
    opened();
    if (looks === 1) throw new VtError('EOPEN', 'it does not open yet');
    return await has(hashcodes, options);
  };
  await using _server = await serveIn(folder, serviceOf(store));
  assert.equal(looks, 0);
  await using client = await openServed(folder);
  await hasOpened;
  assert.equal(looks, 1);
  const { hashcode } = await client.add(SOME);
  assert.deepEqual(await client.has([hashcode]), [true]);
  assert.equal(looks, 2);
});
