import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Archive, ArchiveEntry } from '../../../core/archive/archive.ts';
import type { ArchiveLine } from '../../../core/archive/archive-line.ts';
import { VtError } from '../../../core/base/errors.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { parseDirent } from '../../../core/dirent/dirent-text.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, S3Machine } from '../../support/s3/s3-stores.ts';

let fake: FakeS3;
let machine: S3Machine;
before(async () => {
  fake = await FakeS3.start({ conditions: 'ignored' });
  machine = new S3Machine({ endpoint: fake.endpoint, ...FAKE_KEYS });
});
after(async () => {
  machine.remove();
  await fake[Symbol.asyncDispose]();
});

const DIRENT = parseDirent('D{block:B{hash:H{sha3-256:8e03ef133d59b45b7965b966a6088628db985e6feab0244d302fd62863e6b539},span:83}}');

function lineAt(second: number): ArchiveLine {
  return { whenNs: BigInt(second) * 1_000_000_000n, dirent: DIRENT };
}

function archive(store: Store, name = 'default'): Archive {
  const found = archiveOf(store, name);
  assert.ok(found !== undefined);
  return found;
}

async function seconds(of: Archive): Promise<(readonly [number, number])[]> {
  const found: ArchiveEntry[] = [];
  for await (const entry of of.entries()) found.push(entry);
  return found.map(({ number, whenNs }) => [number, Number(whenNs / 1_000_000_000n)]);
}

it('entries come back in the order in which they were appended, whatever their times are', async () => {
  await using store = await machine.open('order');
  for (const second of [50, 10, 30]) await archive(store).append(async () => await Promise.resolve(lineAt(second)));
  assert.deepEqual(await seconds(archive(store)), [
    [1, 50],
    [2, 10],
    [3, 30],
  ]);
  const last = await archive(store).last();
  assert.deepEqual([last?.number, last?.whenNs], [3, 30_000_000_000n]);
  assert.equal(await archive(store).append(async () => await Promise.resolve(undefined)), undefined);
  assert.equal((await archive(store, 'another').last())?.number, undefined);
});

it('names of archives may have any signs, and are listed', async () => {
  await using store = await machine.open('names');
  for (const name of ['default', 'mail=2026 %', 'Bücher', "it's (1)!*"])
    await archive(store, name).append(async () => await Promise.resolve(lineAt(1)));
  assert.deepEqual(await capability(store, 'archives')?.list?.(), ['Bücher', 'default', "it's (1)!*", 'mail=2026 %']);
  assert.deepEqual(await seconds(archive(store, 'mail=2026 %')), [[1, 1]]);
});

it('sessions that append at the same time see each other: none decides on an entry that is not the newest', async () => {
  const stores = await Promise.all([1, 2, 3].map(async () => await machine.open('race')));
  let counted = 0;
  await Promise.all(
    stores.map(async (store) => {
      for (let i = 0; i < 5; i++)
        await archive(store).append(async (last) => {
          const next = Number((last?.whenNs ?? 0n) / 1_000_000_000n) + 1;
          await new Promise((resolve) => setImmediate(resolve));
          counted++;
          return lineAt(next);
        });
    }),
  );
  const [first] = stores;
  assert.ok(first !== undefined);
  assert.equal(counted, 15);
  assert.deepEqual(
    await seconds(archive(first)),
    Array.from({ length: 15 }, (_, i) => [i + 1, i + 1]),
  );
  assert.deepEqual(
    fake.keys('race/archives/').filter((key) => key.includes('lock')),
    [],
  );
  for (const store of stores) await store[Symbol.asyncDispose]();
});

it('a lock that a killed session left is removed after its time, by the clock of the service', async () => {
  await using store = await machine.open('stale');
  fake.objects.set('stale/archives/default/~lock-dead', { body: Buffer.alloc(0), modifiedMs: Date.now() - 121_000, request: 0 });
  await archive(store).append(async () => await Promise.resolve(lineAt(1)));
  assert.deepEqual(await seconds(archive(store)), [[1, 1]]);
  assert.equal(fake.objects.has('stale/archives/default/~lock-dead'), false);
});

it('entries are forgotten, tagged, and numbered anew, as in a file', async () => {
  await using store = await machine.open('lines');
  for (const second of [1, 2, 3]) await archive(store).append(async () => await Promise.resolve(lineAt(second)));
  const of = archive(store);
  await of.lines?.setNotes({ number: 2, whenNs: 2_000_000_000n }, () => new Map([['tag', octetsFromText('x')]]));
  await of.lines?.drop([{ number: 1, whenNs: 1_000_000_000n }]);
  assert.deepEqual(await seconds(of), [
    [1, 2],
    [2, 3],
  ]);
  const all: ArchiveEntry[] = [];
  for await (const entry of of.entries({ withForgotten: true })) all.push(entry);
  assert.deepEqual(
    all.map(({ number, isForgotten }) => [number, isForgotten === true]),
    [
      [0, true],
      [1, false],
      [2, false],
    ],
  );
  assert.equal((all[1] as ArchiveEntry).notes?.get('tag'), 'x');
  await assert.rejects(
    async () => await of.lines?.drop([{ number: 2, whenNs: 3_000_000_000n }]),
    (error) => error instanceof VtError && error.code === 'EFAILED',
  );
});

it('an entry that is damaged is told of and passed over', async () => {
  await using store = await machine.open('damage');
  for (const second of [1, 2]) await archive(store).append(async () => await Promise.resolve(lineAt(second)));
  const [, newest = ''] = fake.keys('damage/archives/default/');
  const object = fake.objects.get(newest);
  assert.ok(object !== undefined);
  fake.objects.set(newest, { ...object, body: Buffer.from(object.body.toString().replace('span:83', 'span:84')) });
  const told: string[] = [];
  const last = await archive(store).last({ onDamage: (reason) => told.push(reason) });
  assert.deepEqual([last?.number, told.length], [1, 1]);
});
