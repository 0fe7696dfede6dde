import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, S3Machine } from '../../support/s3/s3-stores.ts';

// A service that is busy for ever is asked again for many minutes. Who does not want to wait so long is heard.

let fake: FakeS3;
let machine: S3Machine;
before(async () => {
  fake = await FakeS3.start();
  machine = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
});
after(async () => {
  machine.remove();
  await fake[Symbol.asyncDispose]();
});

/** Resolves when so many more requests have come. */
function requests(count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const watch = (): void => {
      if (--left > 0) return;
      fake.watchers.delete(watch);
      resolve();
    };
    fake.watchers.add(watch);
  });
}

for (const layout of ['packs', 'blocks']) {
  it(`layout ${layout}: a read that is cancelled ends, and takes nothing from another of the same Block`, async () => {
    const more = `&layout=${layout}`;
    const made = await machine.open(`read-${layout}`, {}, more);
    const { hashcode } = await made.add(Buffer.from('one'));
    await made.flush();
    await made[Symbol.asyncDispose]();
    await using store = await machine.open(`read-${layout}`, {}, more);
    assert.deepEqual(await store.has([hashcode]), [true]);
    fake.faults.busy = Number.POSITIVE_INFINITY;
    const first = new AbortController();
    const comes = requests(1);
    const [cancelled, kept] = [store.get(hashcode, { signal: first.signal }), store.get(hashcode)];
    await comes;
    first.abort();
    await assert.rejects(cancelled, { code: 'ECANCELLED' });
    delete fake.faults.busy;
    assert.deepEqual(Buffer.from((await kept) ?? []), Buffer.from('one'));
  });

  it(`layout ${layout}: a read whose only reader was cancelled is asked for anew by the next`, async () => {
    const more = `&layout=${layout}`;
    const made = await machine.open(`anew-${layout}`, {}, more);
    const { hashcode } = await made.add(Buffer.from('two'));
    await made.flush();
    await made[Symbol.asyncDispose]();
    await using store = await machine.open(`anew-${layout}`, {}, more);
    assert.deepEqual(await store.has([hashcode]), [true]);
    fake.faults.busy = Number.POSITIVE_INFINITY;
    const abort = new AbortController();
    const comes = requests(1);
    const cancelled = store.get(hashcode, { signal: abort.signal });
    await comes;
    abort.abort();
    await assert.rejects(cancelled, { code: 'ECANCELLED' });
    delete fake.faults.busy;
    assert.deepEqual(Buffer.from((await store.get(hashcode)) ?? []), Buffer.from('two'));
  });
}

it('the opening of a Store that does not answer ends when it is cancelled', async () => {
  fake.faults.busy = Number.POSITIVE_INFINITY;
  const abort = new AbortController();
  const comes = requests(1);
  const opening = machine.open('never', { signal: abort.signal });
  await comes;
  abort.abort();
  await assert.rejects(opening, { code: 'ECANCELLED' });
  delete fake.faults.busy;
});
