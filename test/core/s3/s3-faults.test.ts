import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, it } from 'node:test';
import { CorruptBlockError, VtError } from '../../../core/base/errors.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { PACK_SIZE } from '../../../core/s3/pack-builder.ts';
import { capability } from '../../../core/store/capability.ts';
import { makeRandom } from '../../support/random.ts';
import type { Faults } from '../../support/s3/fake-s3.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, S3Machine } from '../../support/s3/s3-stores.ts';

let fake: FakeS3;
let machine: S3Machine;
let other: S3Machine;
before(async () => {
  fake = await FakeS3.start();
  machine = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
  other = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
});
after(async () => {
  machine.remove();
  other.remove();
  await fake[Symbol.asyncDispose]();
});
beforeEach(() => {
  fake.objects.clear();
  for (const name of Object.keys(fake.faults)) delete fake.faults[name as keyof Faults];
  for (const name of Object.keys(fake.counts)) delete fake.counts[name];
});

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

it('no request has headers that break a service, and only host and x-amz-* are signed', async () => {
  await using store = await machine.open('headers');
  const { hashcode } = await store.add(bytes('one'));
  await store.flush();
  await store.get(hashcode);
  assert.deepEqual(fake.wrong, []);
});

it('a service that is busy is asked again, from the first request on, and is not called damaged', async () => {
  fake.faults.busy = 4;
  await using store = await machine.open('busy');
  fake.faults.busy = 3;
  const { hashcode } = await store.add(bytes('one'));
  await store.flush();
  fake.faults.busy = 3;
  assert.deepEqual(await store.has([hashcode]), [true]);
  await using later = await other.open('busy');
  fake.faults.busy = 2;
  assert.deepEqual(Buffer.from((await later.get(hashcode)) ?? []), bytes('one'));
});

it('a quota that is used up ends the flush with one error, and goes on once there is room', async () => {
  await using store = await machine.open('quota');
  const { hashcode } = await store.add(bytes('one'));
  fake.faults.quota = 10;
  const puts = fake.counts['PUT'] ?? 0;
  await assert.rejects(store.flush(), (error) => error instanceof VtError && error.code === 'EFULL');
  assert.ok((fake.counts['PUT'] ?? 0) <= puts + 2);
  delete fake.faults.quota;
  await store.flush();
  await using later = await other.open('quota');
  assert.ok(await later.get(hashcode));
});

it('bytes that are wrong once are got again, and those that stay wrong are damage', async () => {
  let hashcode = hashcodeOf('sha3-256', bytes('right'));
  {
    await using store = await machine.open('wrong');
    hashcode = (await store.add(bytes('right'))).hashcode;
  }
  await using store = await other.open('wrong');
  fake.faults.flips = { key: /^wrong\/packs\//, count: 1 };
  // The flipped bit is in the middle of what was sent, so of the range that was read ahead: some of it is the Block.
  assert.deepEqual(Buffer.from((await store.get(hashcode)) ?? []), bytes('right'));
  const [pack = ''] = fake.keys('wrong/packs/');
  const object = fake.objects.get(pack);
  assert.ok(object !== undefined);
  const body = Buffer.from(object.body);
  body[body.indexOf('right')] = 0;
  fake.objects.set(pack, { ...object, body });
  await using third = await new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS }).open('wrong');
  await assert.rejects(third.get(hashcode), CorruptBlockError);
  // Putting it again mends it.
  assert.equal((await third.add(bytes('right'))).isNew, true);
  await third.flush();
  assert.deepEqual(Buffer.from((await third.get(hashcode)) ?? []), bytes('right'));
  rmSync(capability(third, 'folders')?.[0] ?? '', { recursive: true, force: true });
});

it('what one machine adds another finds, also with an index that it has kept', async () => {
  await using mine = await machine.open('two');
  const first = (await mine.add(bytes('first'))).hashcode;
  await mine.flush();
  {
    await using theirs = await other.open('two');
    assert.deepEqual(Buffer.from((await theirs.get(first)) ?? []), bytes('first'));
  }
  const second = (await mine.add(bytes('second'))).hashcode;
  await mine.flush();
  await using theirs = await other.open('two');
  assert.deepEqual(await theirs.has([first, second]), [true, true]);
  assert.equal((await theirs.add(bytes('second'))).isNew, false);
});

it('a listing that lags costs a Block that is stored twice, and nothing else', async () => {
  await using mine = await machine.open('lag');
  const { hashcode } = await mine.add(bytes('first'));
  await mine.flush();
  fake.faults.lag = 100;
  {
    await using theirs = await other.open('lag');
    assert.equal((await theirs.add(bytes('first'))).isNew, true);
    assert.equal((await theirs.add(bytes('second'))).isNew, true);
  }
  delete fake.faults.lag;
  await using later = await machine.open('lag');
  assert.deepEqual(Buffer.from((await later.get(hashcode)) ?? []), bytes('first'));
  assert.deepEqual(await later.has([hashcodeOf(later.hashName, bytes('second'))]), [true]);
});

it('the cache of a machine is made anew when it is lost', async () => {
  const blocks = Array.from({ length: 50 }, (_, i) => bytes(`block ${i}`));
  {
    await using store = await machine.open('lost');
    for (const block of blocks) await store.add(block);
  }
  rmSync(machine.folder, { recursive: true, force: true });
  await using store = await machine.open('lost');
  for (const block of blocks) assert.equal((await store.add(block)).isNew, false);
  for (const block of blocks) assert.deepEqual(Buffer.from((await store.get(hashcodeOf(store.hashName, block))) ?? []), block);
});

it('a session that ends before its flush leaves nothing that counts, and harms nothing', async () => {
  const random = makeRandom(3);
  const large = Buffer.from(random.bytes(PACK_SIZE / 2));
  const store = await machine.open('killed');
  // A pack is complete, and put.
  for (const data of [large, Buffer.from(random.bytes(PACK_SIZE / 2))])
    await store.addBatch([{ digest: hashcodeOf(store.hashName, data).digest, data }]);
  await store.addBatch([{ digest: hashcodeOf(store.hashName, bytes('more')).digest, data: bytes('more') }]);
  {
    await using meanwhile = await other.open('killed');
    assert.deepEqual(await meanwhile.has([hashcodeOf(store.hashName, large)]), [false]);
  }
  await store[Symbol.asyncDispose]();
  await using later = await other.open('killed');
  assert.ok(await later.get(hashcodeOf(store.hashName, large)));
});

it('neighbours in a pack are one request, and who reads on gets ahead of need', async () => {
  const random = makeRandom(5);
  const blocks = Array.from({ length: 400 }, () => Buffer.from(random.bytes(20_000)));
  {
    await using store = await machine.open('neighbours');
    await store.addBatch(blocks.map((data) => ({ digest: hashcodeOf(store.hashName, data).digest, data })));
  }
  await using store = await other.open('neighbours');
  await store.get(hashcodeOf(store.hashName, blocks[0] ?? bytes('')));
  const before = fake.counts['GET'] ?? 0;
  for (let first = 0; first < blocks.length; first += 16) {
    const part = blocks.slice(first, first + 16);
    const found = await Promise.all(part.map(async (data) => await store.get(hashcodeOf(store.hashName, data))));
    for (const [i, data] of part.entries()) assert.deepEqual(Buffer.from(found[i] ?? []), data);
  }
  // 8 MB in 25 steps.
  assert.ok((fake.counts['GET'] ?? 0) - before <= 8, `${(fake.counts['GET'] ?? 0) - before} requests`);
});

it('a Store that is not there, and keys that are nowhere, are told of at once', async () => {
  await assert.rejects(machine.open('none', { create: false }), (error) => error instanceof VtError && error.code === 'EOPEN');
  await assert.rejects(
    machine.open('none', { environment: { AWS_EC2_METADATA_DISABLED: 'true' } }),
    (error) => error instanceof VtError && error.code === 'EPERM',
  );
});

it('a clock that is hours off is put right by that of the service, in both directions', async () => {
  fake.faults.checksTime = true;
  try {
    for (const [prefix, hours] of [
      ['ahead', 5],
      ['behind', -7],
    ] as const) {
      fake.aheadMs = hours * 3_600_000;
      await using store = await machine.open(prefix);
      const { hashcode } = await store.add(bytes('one'));
      await store.flush();
      await using later = await other.open(prefix);
      assert.ok(await later.get(hashcode));
    }
  } finally {
    fake.aheadMs = 0;
  }
});

it('the region that the service names is taken, for the first request and for one that puts', async () => {
  fake.faults.region = 'eu-north-9';
  await using store = await machine.open('region');
  const { hashcode } = await store.add(bytes('one'));
  fake.faults.region = 'us-west-8';
  await store.flush();
  await using later = await other.open('region', {}, '&region=us-west-8');
  assert.ok(await later.get(hashcode));
});

it('lent keys that end in the middle of a push are asked for anew, and what was under way goes on', async (t) => {
  let lent = 0;
  const agent = createServer((_, response) => {
    const end = new Date(Date.now() + 3_600_000).toISOString();
    response.end(JSON.stringify({ AccessKeyId: 'key', SecretAccessKey: 'secret', Token: `token ${++lent}`, Expiration: end }));
  });
  await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
  t.after(() => agent.close());
  const environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(agent.address() as AddressInfo).port}/keys` };
  fake.faults.token = 'token 1';
  await using store = await machine.open('expiry', { environment }, '&layout=blocks');
  for (let i = 0; i < 40; i++) {
    if (i === 20) fake.faults.token = 'token 2';
    await store.add(bytes(`block ${i}`));
  }
  await store.flush();
  assert.equal(fake.keys('expiry/blocks/').length, 40);
  assert.equal(lent, 2);
});

it('a prefix may have signs that URLs, signatures and XML escape', async () => {
  // As a specification has it, and as the keys do.
  const [prefix, keys] = ["a b/c+d=e%26f'<ü>/~", "a b/c+d=e%26f'<ü>/~/"];
  const { hashcode } = await (async () => {
    await using store = await machine.open(prefix);
    return await store.add(bytes('one'));
  })();
  await using later = await other.open(prefix);
  assert.ok(await later.get(hashcode));
  assert.ok(fake.keys().length >= 3);
  assert.deepEqual(
    fake.keys().filter((key) => !key.startsWith(keys)),
    [],
  );
});

it('a cold machine learns the newest part of the index first, and no more than it needs', async () => {
  const old = Array.from({ length: 40 }, (_, i) => bytes(`old ${i}`));
  for (const [i, data] of [...old, bytes('new')].entries()) {
    await using store = await machine.open('cold');
    await store.addBatch([{ digest: hashcodeOf(store.hashName, data).digest, data }]);
    // Listings tell of whole seconds.
    if (i % 10 === 9) fake.aheadMs += 2000;
  }
  await using store = await other.open('cold');
  const before = fake.counts['GET'] ?? 0;
  assert.ok(await store.get(hashcodeOf(store.hashName, bytes('new'))));
  assert.ok((fake.counts['GET'] ?? 0) - before <= 2, `${(fake.counts['GET'] ?? 0) - before} GET`);
  assert.ok(await store.get(hashcodeOf(store.hashName, old[0] ?? bytes(''))));
  assert.equal(await store.get(hashcodeOf(store.hashName, bytes('none'))), undefined);
});
