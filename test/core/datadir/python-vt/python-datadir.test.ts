import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { CorruptBlockError, ReadOnlyError } from '../../../../core/base/errors.ts';
import type { HashName } from '../../../../core/block/hash.ts';
import type { HashCode } from '../../../../core/block/hashcode.ts';
import { hashcodeOf } from '../../../../core/block/hashcode.ts';
import { openStore } from '../../../../core/openers/open-store.ts';
import { canWrite, capability } from '../../../../core/store/capability.ts';
import type { Store } from '../../../../core/store/store.ts';
import { PROJECT_ROOT } from '../../../support/project.ts';
import { newStorePath } from '../store-folder.ts';

const GOLDEN = join(PROJECT_ROOT, 'test/golden/python-vt');

async function withStore<T>(path: string, cachePath: string, action: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(path, { defaultStorePath: '/nowhere', cachePath });
  try {
    return await action(store);
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

async function listed(store: Store): Promise<HashCode[]> {
  const found: HashCode[] = [];
  const enumeration = capability(store, 'enumeration');
  assert.ok(enumeration !== undefined);
  for await (const hashcode of enumeration.hashcodes()) found.push(hashcode);
  return found;
}

function copyOfGolden(name: string): { readonly path: string; readonly cachePath: string } {
  const path = newStorePath();
  cpSync(join(GOLDEN, name, 'store'), path, { recursive: true });
  return { path, cachePath: join(dirname(path), 'cache') };
}

// How many Blocks the Python vt wrote, counted by an independent decoder of its files.
const BLOCKS: readonly (readonly [name: string, hashName: HashName, count: number])[] = [
  ['pack', 'blake3', 123],
  ['mount', 'blake3', 123],
  ['sha1', 'sha1', 76],
];

for (const [name, hashName, count] of BLOCKS) {
  it(`the datadir "${name}" of the Python vt is read in place, and nothing in it changes`, async () => {
    const { path, cachePath } = copyOfGolden(name);
    const before = readdirSync(path, { recursive: true }).map(String).sort();
    for (let session = 0; session < 2; session++) {
      await withStore(hashName === 'sha1' ? `datadir:${path}?hash=sha1` : path, cachePath, async (store) => {
        assert.equal(store.hashName, hashName);
        assert.equal(canWrite(store), false);
        const hashcodes = await listed(store);
        assert.equal(hashcodes.length, count);
        for (const hashcode of hashcodes) {
          const data = await store.get(hashcode);
          assert.ok(data !== undefined);
          assert.deepEqual(Buffer.from(hashcodeOf(hashName, data).digest), Buffer.from(hashcode.digest));
        }
        await assert.rejects(store.add(Buffer.from('x')), ReadOnlyError);
      });
    }
    assert.deepEqual(readdirSync(path, { recursive: true }).map(String).sort(), before);
    assert.equal(readdirSync(join(cachePath, 'index')).filter((entry) => !entry.endsWith('.lock')).length, 1);
  });
}

it('a datadir of the Python vt gives its Blocks under whichever hash function they are asked for', async () => {
  const { path, cachePath } = copyOfGolden('sha1');
  await withStore(path, cachePath, async (store) => {
    const [first] = await listed(store);
    assert.ok(first !== undefined);
    const data = await store.get(first);
    assert.ok(data !== undefined);
    for (const hashName of ['sha1', 'sha256', 'sha3-256'] as const) {
      const hashcode = hashcodeOf(hashName, data);
      assert.deepEqual(await store.has([hashcode]), [true]);
      assert.deepEqual(await store.get(hashcode), data);
    }
  });
});

it('a datadir of the Python vt that has grown is read on, one that is damaged as far as it goes', async () => {
  const { path, cachePath } = copyOfGolden('pack');
  const [name = ''] = readdirSync(join(path, 'data'));
  const file = join(path, 'data', name);
  await withStore(path, cachePath, listed);
  const added = hashcodeOf('blake3', Buffer.from('added'));
  appendFileSync(file, Buffer.concat([Buffer.of(0, 5), Buffer.from('added')]));
  await withStore(path, cachePath, async (store) => assert.ok(await store.get(added)));
  truncateSync(file, readFileSync(file).length - 2);
  await withStore(path, cachePath, async (store) => {
    assert.equal(await store.get(added), undefined);
    assert.equal((await listed(store)).length, 123);
  });
  const damaged = readFileSync(file);
  damaged[20] = (damaged[20] ?? 0) ^ 0xff;
  writeFileSync(file, damaged);
  await withStore(path, cachePath, async (store) => {
    let lost = 0;
    for (const hashcode of await listed(store)) {
      try {
        await store.get(hashcode);
      } catch (error) {
        assert.ok(error instanceof CorruptBlockError);
        lost++;
      }
    }
    assert.equal(lost, 1);
  });
});

it('a datadir of the Python vt opens where no cache can be kept', async () => {
  const { path, cachePath } = copyOfGolden('pack');
  mkdirSync(dirname(cachePath), { recursive: true });
  writeFileSync(cachePath, 'not a folder');
  await withStore(path, cachePath, async (store) => assert.equal((await listed(store)).length, 123));
});

it('a datadir of the Python vt without an index has the hash function of its archive, else of the reference that is opened, else an assumed one, which is told', async () => {
  for (const [name, more, hashName, told] of [
    ['sha1', {}, 'blake3', 1],
    ['sha1', { assumedHash: 'sha1' }, 'sha1', 0],
    ['sha1', { archive: 'D{"x":block:B{hash:H{sha256:00},span:3}}' }, 'sha256', 0],
    ['pack', {}, 'blake3', 0],
    ['pack', { assumedHash: 'sha1' }, 'sha1', 0],
  ] as const) {
    const { path, cachePath } = copyOfGolden(name);
    if ('archive' in more) writeFileSync(`${path}.vt`, `2026-11-22T14:18:14.457509+00:00 1795357094.5 ${more.archive} # x\n`);
    const notices: string[] = [];
    const assumedHash = 'assumedHash' in more ? more.assumedHash : undefined;
    const environment = { defaultStorePath: '/nowhere', cachePath, assumedHash, onNotice: (notice: string) => notices.push(notice) };
    await using store = await openStore(path, environment);
    assert.equal(store.hashName, hashName);
    assert.equal(notices.filter((notice) => notice.includes('is assumed')).length, told, name);
  }
});
