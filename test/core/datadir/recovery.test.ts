import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { CorruptBlockError } from '../../../core/base/errors.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { newStorePath, withDatadir } from './store-folder.ts';

const HASH = 'sha1';
const CONTENTS: readonly Buffer[] = ['first', '', 'the third Block, a little longer', 'vtR1 looks like a record', 'last'].map((text) =>
  Buffer.from(text),
);

async function makeStore(path: string, contents: readonly Buffer[] = CONTENTS): Promise<string> {
  await withDatadir(
    path,
    async (store) => {
      for (const data of contents) await store.add(data);
    },
    { hashName: HASH },
  );
  const [name = ''] = readdirSync(join(path, 'data'));
  return join(path, 'data', name);
}

function codes(contents: readonly Buffer[] = CONTENTS): HashCode[] {
  return contents.map((data) => hashcodeOf(HASH, data));
}

/** What became of each Block: its own bytes or nothing, never others. */
async function look(
  path: string,
  contents: readonly Buffer[] = CONTENTS,
): Promise<{ readonly found: boolean[]; readonly notices: string[] }> {
  const notices: string[] = [];
  const found: boolean[] = [];
  await withDatadir(
    path,
    async (store) => {
      for (const [i, hashcode] of codes(contents).entries()) {
        try {
          const data = await store.get(hashcode);
          if (data !== undefined) assert.deepEqual(Buffer.from(data), contents[i], 'wrong bytes');
          found.push(data !== undefined);
        } catch (error) {
          if (!(error instanceof CorruptBlockError)) throw error;
          found.push(false);
        }
      }
    },
    { create: false, onNotice: (notice) => notices.push(notice) },
  );
  return { found, notices };
}

function count(found: readonly boolean[]): number {
  return found.filter(Boolean).length;
}

it('a data file cut short at any length loses the Blocks past the cut alone, and is written to no more', async () => {
  const path = newStorePath({ inMemory: true });
  const contents = CONTENTS.slice(0, 3);
  const file = await makeStore(path, contents);
  const whole = readFileSync(file);
  rmSync(join(path, 'index'), { recursive: true });
  const ends: number[] = [];
  let end = 64;
  for (const data of contents) {
    end += 24 + 20 + data.length;
    ends.push(end);
  }
  assert.equal(end, whole.length);
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(file, whole.subarray(0, length));
    const { found } = await look(path, contents);
    assert.deepEqual(
      found,
      ends.map((at) => at <= length),
      `cut at ${length}`,
    );
    await withDatadir(path, async (store) => {
      for (const data of contents) await store.add(data);
    });
    assert.ok((await look(path, contents)).found.every(Boolean), `cut at ${length}, added again`);
    const isWhole = length === 64 || ends.includes(length);
    const kept = readFileSync(file);
    assert.equal(kept.length > length, isWhole, `cut at ${length}: written to`);
    for (const name of readdirSync(join(path, 'data'))) if (join(path, 'data', name) !== file) rmSync(join(path, 'data', name));
    rmSync(join(path, 'index'), { recursive: true });
  }
});

it('a data file that became shorter than the index knows is found out, and the index made anew', async () => {
  const path = newStorePath();
  const file = await makeStore(path);
  await withDatadir(path, async (store) => {
    store.cache.put(Buffer.from('key'), Buffer.from('value'));
    await store.flush();
  });
  truncateSync(file, readFileSync(file).length - 1);
  const { found, notices } = await look(path);
  assert.deepEqual(found, [true, true, true, true, false]);
  assert.equal(notices.length, 1);
  assert.match(readFileSync(join(path, 'vtftp-store'), 'utf8'), /^generation=1$/m);
  await withDatadir(path, async (store) => {
    assert.equal(store.cache.get(Buffer.from('key')), undefined);
    await Promise.resolve();
  });
});

for (const withIndex of [true, false]) {
  it(`no octet of a data file can change without being noticed, ${withIndex ? 'with its index' : 'when the index is made anew'}`, async () => {
    const path = newStorePath({ inMemory: true });
    const file = await makeStore(path);
    const whole = readFileSync(file);
    const index = join(path, 'index');
    const saved = join(path, 'index.saved');
    cpSync(index, saved, { recursive: true });
    let lost = 0;
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(file, damaged);
      rmSync(index, { recursive: true, force: true });
      if (withIndex) cpSync(saved, index, { recursive: true });
      if (at === 8) continue; // the version: see the test of later versions
      const { found, notices } = await look(path);
      assert.ok(count(found) >= CONTENTS.length - 1, `octet ${at}: ${found.join(' ')}`);
      if (count(found) < CONTENTS.length) lost++;
      if (!withIndex && at >= 64) assert.equal(notices.length, 2, `octet ${at}: ${notices.join('; ')}`);
    }
    assert.ok(withIndex || lost === whole.length - 64, `${lost} of ${whole.length}`);
  });
}

it('a damaged Block is told of, and adding it again mends it', async () => {
  const path = newStorePath();
  const file = await makeStore(path);
  const [, , hashcode] = codes();
  assert.ok(hashcode !== undefined);
  const damaged = readFileSync(file);
  const at = damaged.indexOf('third');
  damaged[at] = 0;
  writeFileSync(file, damaged);
  await withDatadir(path, async (store) => {
    await assert.rejects(
      store.get(hashcode),
      (error) => error instanceof CorruptBlockError && error.message.includes(file) && error.message.includes('byte'),
    );
    assert.equal((await store.add(CONTENTS[2] ?? Buffer.alloc(0))).isNew, true);
    assert.ok(await store.get(hashcode));
  });
  assert.ok((await look(path)).found.every(Boolean));
});

it('a damaged Block that was found is stored anew by a later session, and the cache does not count on it', async () => {
  const path = newStorePath();
  const file = await makeStore(path);
  const [hashcode] = codes();
  assert.ok(hashcode !== undefined);
  await withDatadir(path, async (store) => {
    store.cache.put(Buffer.from('key'), Buffer.from('value'));
    await store.flush();
  });
  const damaged = readFileSync(file);
  damaged[damaged.indexOf('first')] = 0;
  writeFileSync(file, damaged);
  await withDatadir(path, (store) => assert.rejects(store.get(hashcode), CorruptBlockError));
  await withDatadir(path, async (store) => {
    assert.equal(store.cache.get(Buffer.from('key')), undefined);
    assert.deepEqual(await store.has([hashcode]), [false]);
    await assert.rejects(store.get(hashcode), CorruptBlockError);
    assert.equal((await store.add(CONTENTS[0] ?? Buffer.alloc(0))).isNew, true);
  });
  await withDatadir(path, async (store) => {
    assert.deepEqual(await store.has([hashcode]), [true]);
    assert.ok(await store.get(hashcode));
  });
});

it('what looks like a record inside a Block is not taken for one when its neighbour is damaged', async () => {
  const path = newStorePath();
  const inner = newStorePath();
  // A Block that holds a whole data file, in which a record claims a digest that is not its own.
  const forged = readFileSync(await makeStore(inner));
  const victim = Buffer.from('what the forger would have us lose');
  const { writeRecordHeader } = await import('../../../core/store/records/datafile.ts');
  const { crc32 } = await import('node:zlib');
  const header = Buffer.alloc(44);
  const rubbish = Buffer.from('rubbish');
  writeRecordHeader(header, 0, 'none', rubbish.length, rubbish.length, crc32(rubbish), hashcodeOf(HASH, victim).digest);
  const block = Buffer.concat([forged, header, rubbish]);
  const file = await makeStore(path, [block, Buffer.from('after')]);
  const damaged = readFileSync(file);
  damaged[64 + 30] = (damaged[64 + 30] ?? 0) ^ 1; // in the header of the outer record
  writeFileSync(file, damaged);
  rmSync(join(path, 'index'), { recursive: true });
  await withDatadir(path, async (store) => {
    assert.deepEqual(await store.has([hashcodeOf(HASH, victim), hashcodeOf(HASH, Buffer.from('after'))]), [false, true]);
    assert.equal((await store.add(victim)).isNew, true);
    assert.ok(await store.get(hashcodeOf(HASH, victim)));
  });
});

/** Names of runs, large enough for files of their own. */
const MANY: readonly Buffer[] = Array.from({ length: 1800 }, (_, i) => Buffer.from(`Block ${i}`));

function runFile(path: string): string {
  const name = readdirSync(join(path, 'index')).find((found) => found.endsWith('.run'));
  assert.ok(name !== undefined, 'an index with a run in a file');
  return join(path, 'index', name);
}

it('an index that is missing, empty, cut short, rubbish, a symlink, or of another Store is made anew, with one notice', async () => {
  const path = newStorePath();
  await makeStore(path, MANY);
  const other = newStorePath();
  await makeStore(other, [Buffer.from('other')]);
  const victim = join(other, 'victim');
  const index = join(path, 'index');
  const head = join(index, 'head');
  const size = readFileSync(head).length;
  const cases: Readonly<Record<string, () => void>> = {
    missing: () => rmSync(index, { recursive: true }),
    'a head that is empty': () => truncateSync(head, 0),
    'a head cut short': () => truncateSync(head, size - 1),
    'a head of rubbish': () => writeFileSync(head, Buffer.alloc(size, 'rubbish')),
    'a head that is gone': () => rmSync(head),
    'a head that is a symlink': () => {
      writeFileSync(victim, 'victim');
      rmSync(head);
      symlinkSync(victim, head);
    },
    'a head that is a dangling symlink': () => {
      rmSync(head);
      symlinkSync(join(other, 'nowhere'), head);
    },
    'a run that is gone': () => rmSync(runFile(path)),
    'a run cut short': () => truncateSync(runFile(path), 4096),
    'a run that is a symlink': () => {
      rmSync(runFile(path));
      symlinkSync(victim, join(index, 'x.run'));
    },
    'of another Store': () => {
      rmSync(index, { recursive: true });
      cpSync(join(other, 'index'), index, { recursive: true });
    },
  };
  for (const [name, damage] of Object.entries(cases)) {
    damage();
    const { found, notices } = await look(path, MANY);
    assert.ok(found.every(Boolean), name);
    assert.equal(notices.length, 1, `${name}: ${notices.join('; ')}`);
    const again = await look(path, MANY);
    assert.ok(again.found.every(Boolean) && again.notices.length === 0, `${name}, next session: ${again.notices.join('; ')}`);
  }
  assert.equal(readFileSync(victim, 'latin1'), 'victim');
  assert.equal(existsSync(join(other, 'nowhere')), false);
});

it('a Store opened read-only reads past a damaged index, and changes nothing', async () => {
  const path = newStorePath();
  await makeStore(path);
  truncateSync(join(path, 'index', 'head'), 100);
  const before = readdirSync(path, { recursive: true }).map(String).sort();
  await withDatadir(
    path,
    async (store) => {
      for (const hashcode of codes()) assert.ok(await store.get(hashcode));
      const listed: unknown[] = [];
      for await (const hashcode of store.hashcodes()) listed.push(hashcode);
      assert.equal(listed.length, CONTENTS.length);
    },
    { readOnly: true },
  );
  assert.deepEqual(readdirSync(path, { recursive: true }).map(String).sort(), before);
});

it('with any octet of its index flipped a Store gives every Block, and says that the index is made anew', async () => {
  const path = newStorePath({ inMemory: true });
  await makeStore(path, MANY);
  const index = join(path, 'index');
  const saved = join(path, 'index.saved');
  cpSync(index, saved, { recursive: true });
  const run = runFile(path);
  const sizes = { [join(index, 'head')]: 17, [run]: 2999 };
  for (const [file, step] of Object.entries(sizes)) {
    for (let at = 0; at < readFileSync(file).length; at += step) {
      const data = readFileSync(file);
      data[at] = (data[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(file, data);
      const { found, notices } = await look(path, MANY);
      assert.ok(found.every(Boolean), `${file} octet ${at}`);
      assert.equal(notices.length, 1, `${file} octet ${at}: ${notices.join('; ')}`);
      rmSync(index, { recursive: true });
      cpSync(saved, index, { recursive: true });
    }
  }
});

it('the index of an earlier version is removed, and the Store is of the present version from then on', async () => {
  const path = newStorePath();
  await makeStore(path);
  const index = join(path, 'index');
  rmSync(index, { recursive: true });
  mkdirSync(join(index, 'users'), { recursive: true });
  for (const name of ['data.mdb', 'lock.mdb', 'check']) writeFileSync(join(index, name), 'of an earlier version');
  const format = join(path, 'vtftp-store');
  writeFileSync(
    format,
    readFileSync(format, 'utf8')
      .replace('format=2', 'format=1')
      .replace(/shared=.*\n/, ''),
  );
  const { found, notices } = await look(path);
  assert.ok(found.every(Boolean));
  assert.match(notices.join('; '), /earlier version; rebuilding it/);
  assert.deepEqual(readdirSync(index), ['head']);
  assert.match(readFileSync(format, 'utf8'), /^format=2$/m);
  assert.deepEqual((await look(path)).notices, []);
});

it('a Store whose format file is lost or damaged is known by its data files', async () => {
  const path = newStorePath();
  await makeStore(path);
  const file = join(path, 'vtftp-store');
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  let { found, notices } = await look(path);
  assert.ok(found.every(Boolean));
  assert.ok(notices.some((notice) => notice.includes('rebuilt from the data files')));
  writeFileSync(file, text.replace('hash=sha1', 'hash=sha7'));
  ({ found, notices } = await look(path));
  assert.ok(found.every(Boolean));
  assert.ok(existsSync(`${file}.damaged`));
});

it('data files may be moved from one Store to another of the same hash function', async () => {
  const path = newStorePath();
  const file = await makeStore(path);
  const other = newStorePath();
  await makeStore(other, [Buffer.from('other')]);
  renameSync(file, join(other, 'data', 'moved.vtd'));
  assert.ok((await look(other)).found.every(Boolean));
  assert.equal(count((await look(path)).found), 0);
});
