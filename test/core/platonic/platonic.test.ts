import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { CorruptBlockError, MissingBlockError, VtError } from '../../../core/base/errors.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { readBlockRange } from '../../../core/block/read-range.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { importLocal } from '../../../core/import/import.ts';
import { openStore } from '../../../core/openers/open-store.ts';
import { PlatonicStore } from '../../../core/platonic/platonic.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { walkDirent } from '../../../core/tree/walk.ts';
import { readOnlyStoreSuite } from '../../conformance/read-only-store-suite.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath } from '../datadir/store-folder.ts';

interface Subject {
  /** The folder of ordinary files. */
  readonly folder: string;
  /** Where the index lies. */
  readonly index: string;
  readonly notices: string[];
  readonly open: () => Promise<PlatonicStore>;
}

let nowMs = 0;

function subject(): Subject {
  const path = newStorePath({ inMemory: true });
  const folder = join(dirname(path), 'media');
  mkdirSync(folder, { recursive: true });
  const notices: string[] = [];
  const open = async (): Promise<PlatonicStore> => {
    const store = new PlatonicStore({
      folder: octetsFromText(folder),
      name: `platonic:${folder}`,
      meta: await openDatadir(path, { create: true }),
      onNotice: (notice) => notices.push(notice),
      clock: () => new Date(),
      monotonicMs: () => nowMs,
    });
    await store.look();
    return store;
  };
  return { folder, index: path, notices, open };
}

function letTimePass(): void {
  nowMs += 10_000;
}

readOnlyStoreSuite({
  name: 'platonic:',
  open: async (blocks) => {
    const { folder, open } = subject();
    for (const [i, data] of blocks.entries()) writeFileSync(join(folder, `file ${i}`), data);
    return await open();
  },
});

/** Every Block of the content of the last recorded tree, by the path of its file. */
async function contents(store: PlatonicStore): Promise<Map<string, Buffer>> {
  const entry = await openArchiveFile(store.archivePath('default')).last();
  assert.ok(entry !== undefined);
  const found = new Map<string, Buffer>();
  for await (const item of walkDirent(store, entry.dirent)) {
    if (item.kind !== 'node' || item.dirent.kind !== 'file') continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of readBlockRange(store, item.dirent.block)) chunks.push(Uint8Array.from(chunk));
    found.set(item.path, Buffer.concat(chunks));
  }
  return found;
}

async function rootOf(store: PlatonicStore): Promise<string> {
  return formatDirent((await openArchiveFile(store.archivePath('default')).last())?.dirent ?? assert.fail('no root'));
}

async function oneBlockOf(store: Store, data: Uint8Array): Promise<HashCode> {
  const hashcode = hashcodeOf(store.hashName, data);
  assert.deepEqual(Buffer.from((await store.get(hashcode)) ?? []), Buffer.from(data));
  return hashcode;
}

it('the tree of the files is that of a put of them, and its content is nowhere but in the files', async () => {
  const { folder, index, open } = subject();
  const random = makeRandom(1);
  mkdirSync(join(folder, 'sub'));
  const big = random.bytes(3_000_000);
  writeFileSync(join(folder, 'big'), big);
  writeFileSync(join(folder, 'sub/small'), 'a small file, and more than a literal holds');
  await using store = await open();
  const { dirent } = await importLocal(new MemoryStore(), octetsFromText(folder));
  assert.equal(await rootOf(store), formatDirent({ ...dirent, name: octetsFromText('') }));
  const found = await contents(store);
  assert.ok(found.get('/big')?.equals(big));
  assert.equal(found.get('/sub/small')?.toString(), 'a small file, and more than a literal holds');
  const kept = readdirSync(join(index, 'data')).reduce((sum, name) => sum + statSync(join(index, 'data', name)).size, 0);
  assert.ok(kept < 60_000, `${kept}`);
});

it('a file that is moved is found where it is now', async () => {
  const { folder, open } = subject();
  const data = makeRandom(2).bytes(1500);
  writeFileSync(join(folder, 'before'), data);
  await using store = await open();
  const hashcode = await oneBlockOf(store, data);
  renameSync(join(folder, 'before'), join(folder, 'after'));
  await oneBlockOf(store, data);
  assert.deepEqual(await store.has([hashcode]), [true]);
  assert.deepEqual([...(await contents(store)).keys()], ['/after']);
});

it('a Block whose file changed comes from another file that has it, or is missing; never other bytes', async () => {
  const { folder, open } = subject();
  const data = makeRandom(3).bytes(1500);
  for (const name of ['one', 'two']) writeFileSync(join(folder, name), data);
  await using store = await open();
  const hashcode = await oneBlockOf(store, data);
  writeFileSync(join(folder, 'one'), makeRandom(4).bytes(1500));
  await oneBlockOf(store, data);
  rmSync(join(folder, 'two'));
  assert.equal(await store.get(hashcode), undefined);
  assert.deepEqual(await store.has([hashcode]), [false]);
  copyFileSync(join(folder, 'one'), join(folder, 'three'));
  await oneBlockOf(store, makeRandom(4).bytes(1500));
});

it('a file that grows: its former end stays readable as long as it is there, also for a later session', async () => {
  const { folder, open } = subject();
  const random = makeRandom(5);
  const data = random.bytes(9000);
  writeFileSync(join(folder, 'log'), data.subarray(0, 1500));
  const first = await open();
  const tail = await oneBlockOf(first, data.subarray(0, 1500));
  appendFileSync(join(folder, 'log'), data.subarray(1500));
  await first.look();
  await oneBlockOf(first, data.subarray(0, 1500));
  assert.ok((await contents(first)).get('/log')?.equals(data));
  await first[Symbol.asyncDispose]();
  await using second = await open();
  assert.ok(await second.get(tail), 'an earlier state of the tree says where it lies');
  truncateSync(join(folder, 'log'), 1000);
  letTimePass();
  assert.equal(await second.get(tail), undefined);
});

it('a second session reads no file again that is as it was', async () => {
  const { folder, open } = subject();
  const data = makeRandom(6).bytes(1500);
  writeFileSync(join(folder, 'file'), data);
  await (await open())[Symbol.asyncDispose]();
  const { mtime } = statSync(join(folder, 'file'));
  // Other bytes under the same size and time: a look that read the file would find them.
  const root = await (async () => {
    await using store = await open();
    return await rootOf(store);
  })();
  await using store = await open();
  assert.equal(await rootOf(store), root);
  utimesSync(join(folder, 'file'), mtime, mtime);
  await oneBlockOf(store, data);
  let entries = 0;
  for await (const _ of openArchiveFile(store.archivePath('default')).entries()) entries++;
  assert.equal(entries, 1);
});

it('bytes that changed behind an unchanged size and time are an error that names the file', async () => {
  const { folder, open } = subject();
  const data = makeRandom(7).bytes(1500);
  const file = join(folder, 'rotten');
  writeFileSync(file, data);
  const old = new Date('2020-01-01');
  utimesSync(file, old, old);
  await using store = await open();
  const hashcode = await oneBlockOf(store, data);
  const wrong = readFileSync(file);
  wrong[700] = (wrong[700] ?? 0) ^ 1;
  writeFileSync(file, wrong);
  utimesSync(file, old, old);
  let found: unknown;
  try {
    found = await store.get(hashcode);
  } catch (error) {
    found = error;
  }
  assert.ok(found === undefined || (found instanceof CorruptBlockError && found.message.includes(file)), String(found));
});

it('files that come are found by a miss, and those that cannot be read are named and passed over', async (t) => {
  const { folder, open, notices } = subject();
  await using store = await open();
  const data = makeRandom(8).bytes(1500);
  writeFileSync(join(folder, 'new'), data);
  letTimePass();
  await oneBlockOf(store, data);
  if (process.getuid?.() === 0) {
    t.diagnostic('as root every file can be read');
    return;
  }
  writeFileSync(join(folder, 'secret'), data, { mode: 0 });
  await store.look();
  assert.match(notices.join('\n'), /passes over ".*secret"/);
});

it('the monitor sees files come, grow and go', async () => {
  const { folder, open } = subject();
  await using store = await open();
  let wake: () => void = () => undefined;
  await store.watch(() => wake());
  const until = async (isDone: () => Promise<boolean>): Promise<void> => {
    for (;;) {
      const rung = new Promise<void>((resolve) => {
        wake = resolve;
      });
      // A file may go between the record of its tree and the reading of it.
      if (await isDone().catch((error: unknown) => !(error instanceof MissingBlockError) && Promise.reject(error as Error))) return;
      await rung;
    }
  };
  const data = makeRandom(9).bytes(40_000);
  mkdirSync(join(folder, 'deep/er'), { recursive: true });
  writeFileSync(join(folder, 'deep/er/file'), data.subarray(0, 20_000));
  await until(async () => (await contents(store)).get('/deep/er/file')?.length === 20_000);
  appendFileSync(join(folder, 'deep/er/file'), data.subarray(20_000));
  await until(async () => (await contents(store)).get('/deep/er/file')?.equals(data) === true);
  renameSync(join(folder, 'deep/er/file'), join(folder, 'moved'));
  await until(async () => (await contents(store)).get('/moved')?.equals(data) === true && !(await contents(store)).has('/deep/er/file'));
  rmSync(join(folder, 'moved'));
  await until(async () => (await contents(store)).size === 0);
});

it('while files change all the time every Block that is given is right', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { folder, open } = subject();
    const random = makeRandom(seed);
    const known = new Map<string, Buffer>();
    const write = (): void => {
      const data = random.bytes(40 + random.below(1900));
      known.set(hashcodeOf('sha3-256', data).digest.toString(), data);
      writeFileSync(join(folder, `f${random.below(8)}`), data);
    };
    for (let i = 0; i < 8; i++) write();
    await using store = await open();
    for (let round = 0; round < 60; round++) {
      const which = random.below(4);
      if (which === 0) write();
      else if (which === 1) rmSync(join(folder, `f${random.below(8)}`), { force: true });
      else if (which === 2) {
        const from = join(folder, `f${random.below(8)}`);
        if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, join(folder, `f${random.below(8)}`));
      }
      if (random.chance(20)) letTimePass();
      const all = [...known.values()];
      const data = all[random.below(all.length)] ?? Buffer.alloc(0);
      const found = await store.get(hashcodeOf('sha3-256', data));
      const isThere = readdirSync(folder).some((name) => readFileSync(join(folder, name)).equals(data));
      assert.ok(found === undefined || data.equals(found), `seed ${seed}`);
      if (found === undefined && isThere) {
        letTimePass();
        assert.ok(await store.get(hashcodeOf('sha3-256', data)), `seed ${seed}, round ${round}: a file has it`);
      }
    }
  }
});

it('it is opened by its specification; what cannot be is refused with a remedy', async () => {
  const { folder } = subject();
  const environment = { defaultStorePath: '/nowhere', cachePath: join(dirname(folder), 'cache') };
  writeFileSync(join(folder, 'file'), 'some bytes of a file that is kept as it is');
  await using store = await openStore(`platonic:${folder}`, environment);
  assert.ok(await store.get(hashcodeOf(store.hashName, readFileSync(join(folder, 'file')))));
  for (const [specification, says] of [
    [`platonic:${folder}/file`, /it is not a folder/],
    [`platonic:${folder}/absent`, /no such file/],
    [`platonic:${folder},index=${folder}/index`, /its index would be in the folder itself/],
    [`platonic:${folder},watch=perhaps`, /unknown watch "perhaps"/],
  ] as const) {
    await assert.rejects(
      openStore(specification, environment),
      (error) => error instanceof VtError && says.test(error.message) && (error.code === 'EUSAGE' || error.remedy !== undefined),
    );
  }
});
