import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { CorruptBlockError, VtError } from '../../../core/base/errors.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { RawDatafile } from '../../../core/datadir/raw-datafile.ts';
import type { Store } from '../../../core/store/store.ts';
import { readOnlyStoreSuite } from '../../conformance/read-only-store-suite.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeRandom } from '../../support/random.ts';
import { newStorePath, withDatadir } from './store-folder.ts';

const GOLDEN = join(PROJECT_ROOT, 'test/golden/python-vt/pack/store/data');

/** A `.vtd` of ours with these Blocks. */
async function ourFile(blocks: readonly Uint8Array[]): Promise<string> {
  const path = newStorePath({ inMemory: true });
  await withDatadir(path, async (store) => {
    for (const data of blocks) await store.add(data);
  });
  return join(path, 'data', readdirSync(join(path, 'data'))[0] ?? '');
}

/** The record of a Block as the Python vt writes it, not compressed. */
function pythonRecord(data: Uint8Array): Buffer {
  const length: number[] = [data.length & 0x7f];
  for (let rest = data.length >>> 7; rest > 0; rest >>>= 7) length.unshift(0x80 | (rest & 0x7f));
  return Buffer.concat([Buffer.of(0, ...length), data]);
}

function pythonFile(blocks: readonly Uint8Array[]): string {
  const path = newStorePath({ inMemory: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.concat(blocks.map(pythonRecord)));
  return path;
}

function open(path: string, notices: string[] = []): RawDatafile {
  return new RawDatafile(path, { name: `file:${path}`, onNotice: (notice) => notices.push(notice) });
}

readOnlyStoreSuite({ name: 'file: of ours', open: async (blocks) => open(await ourFile(blocks)) });
readOnlyStoreSuite({ name: 'file: of the Python vt', open: (blocks) => Promise.resolve(open(pythonFile(blocks))) });

async function text(store: Store, data: Uint8Array): Promise<string | undefined> {
  const found = await store.get(hashcodeOf(store.hashName, data));
  return found === undefined ? undefined : Buffer.from(found).toString();
}

it('a fetch at once after opening waits for the scan, and one of a Block that is not there ends with it', async () => {
  const random = makeRandom(3);
  const blocks = Array.from({ length: 4000 }, () => random.bytes(6000));
  await using store = open(await ourFile(blocks));
  const last = blocks.at(-1) ?? Buffer.alloc(0);
  const [first, end, none] = await Promise.all([
    store.get(hashcodeOf('sha3-256', blocks[0] ?? Buffer.alloc(0))),
    store.get(hashcodeOf('sha3-256', last)),
    store.get(hashcodeOf('sha3-256', Buffer.from('nowhere'))),
  ]);
  assert.deepEqual([first?.length, end?.length, none], [6000, 6000, undefined]);
});

it('a file that grows is followed, a torn tail is named and read once it is whole', async () => {
  for (const path of [await ourFile([Buffer.from('first')]), pythonFile([Buffer.from('first')])]) {
    const grown = path.endsWith('.vtd')
      ? readFileSync(await ourFile([Buffer.from('later'), Buffer.from('last')])).subarray(64)
      : Buffer.concat(['later', 'last'].map((data) => pythonRecord(Buffer.from(data))));
    const notices: string[] = [];
    await using store = open(path, notices);
    assert.equal(await text(store, Buffer.from('first')), 'first');
    assert.equal(await text(store, Buffer.from('last')), undefined);
    appendFileSync(path, grown.subarray(0, grown.length - 2));
    assert.equal(await text(store, Buffer.from('later')), 'later');
    assert.equal(await text(store, Buffer.from('last')), undefined);
    assert.equal(notices.length, 1, notices.join('\n'));
    assert.match(notices[0] ?? '', /ends inside a record, at byte \d+/);
    appendFileSync(path, grown.subarray(grown.length - 2));
    assert.equal(await text(store, Buffer.from('last')), 'last');
  }
});

it('a damaged record is named with its place, and the others are read', async () => {
  const path = await ourFile(['one', 'two', 'three'].map((data) => Buffer.from(data.repeat(20))));
  const data = readFileSync(path);
  const at = data.indexOf('twotwo');
  data[at] = (data[at] ?? 0) ^ 1;
  writeFileSync(path, data);
  const notices: string[] = [];
  await using store = open(path, notices);
  assert.equal(await text(store, Buffer.from('one'.repeat(20))), 'one'.repeat(20));
  assert.equal(await text(store, Buffer.from('two'.repeat(20))), undefined);
  assert.equal(await text(store, Buffer.from('three'.repeat(20))), 'three'.repeat(20));
  assert.match(notices.join('\n'), /damaged at bytes \d+\.\.\d+; the Blocks there are lost/);
});

it('with its header damaged a file is searched for records', async () => {
  const path = await ourFile([Buffer.from('still there')]);
  const data = readFileSync(path);
  data[20] = (data[20] ?? 0) ^ 1;
  writeFileSync(path, data);
  const notices: string[] = [];
  await using store = open(path, notices);
  assert.equal(await text(store, Buffer.from('still there')), 'still there');
  assert.match(notices[0] ?? '', /header is damaged/);
});

it('what is damaged after the scan is an error that names the file, never other bytes', async () => {
  const path = await ourFile([Buffer.from('right')]);
  await using store = open(path);
  const hashcode = hashcodeOf('sha3-256', Buffer.from('right'));
  assert.deepEqual(await store.has([hashcode]), [true]);
  const data = readFileSync(path);
  const at = data.indexOf('right');
  data[at] = 0;
  writeFileSync(path, data);
  await assert.rejects(store.get(hashcode), (error) => error instanceof CorruptBlockError && error.message.includes(path));
  truncateSync(path, at);
  await assert.rejects(store.get(hashcode), (error) => error instanceof CorruptBlockError && /missing or truncated/.test(error.message));
});

it('a data file that the Python vt wrote gives every Block of its datadir', async () => {
  const path = newStorePath();
  copyFileSync(join(GOLDEN, readdirSync(GOLDEN)[0] ?? ''), path);
  await using store = open(path);
  let count = 0;
  for await (const hashcode of store.hashcodes()) {
    assert.ok(await store.get(hashcode));
    count++;
  }
  assert.equal(count, 123);
  assert.equal(store.hashName, 'blake3');
});

it('closing while it scans ends the scan', async () => {
  const random = makeRandom(4);
  const store = open(await ourFile(Array.from({ length: 3000 }, () => random.bytes(12_000))));
  const waiting = store.get(hashcodeOf('sha3-256', Buffer.from('nowhere')));
  const refused = assert.rejects(waiting, (error) => error instanceof VtError && error.code === 'ECLOSED');
  await store[Symbol.asyncDispose]();
  await refused;
});

it('what cannot be opened says why and what to do', () => {
  const path = newStorePath();
  mkdirSync(path, { recursive: true });
  for (const [file, says] of [
    [join(path, 'absent.vtd'), /no such file/],
    [path, /it is not a file/],
  ] as const) {
    assert.throws(
      () => open(file),
      (error) => error instanceof VtError && error.code === 'EOPEN' && says.test(error.message) && error.remedy !== undefined,
    );
  }
});
