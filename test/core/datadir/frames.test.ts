import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CorruptBlockError } from '../../../core/base/errors.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import type { Datadir } from '../../../core/datadir/datadir-store.ts';
import { capability } from '../../../core/store/capability.ts';
import { unpackRecords } from '../../../core/store/records/record-batch.ts';
import { newStorePath, withDatadir } from './store-folder.ts';

const OPTIONS = { hashName: 'sha1', compression: 'zstd' } as const;
/** Blocks that compress, of 300 octets to 9 KB, and every fifth one that does not. */
const CONTENTS: readonly Buffer[] = Array.from({ length: 60 }, (_, i) =>
  i % 5 === 4
    ? randomBytes(4000)
    : Buffer.from(`${i} `.padEnd(10) + `line ${i % 7} of a text, and more of it\n`.repeat(1 + ((i * 37) % 250))),
);
const CODES: readonly HashCode[] = CONTENTS.map((data) => hashcodeOf('sha1', data));

async function makeStore(path: string, contents: readonly Buffer[] = CONTENTS): Promise<string> {
  await withDatadir(
    path,
    async (store) => {
      await store.addBatch(contents.map((data) => ({ digest: hashcodeOf('sha1', data).digest, data })));
    },
    OPTIONS,
  );
  return dataFile(path);
}

function dataFile(path: string): string {
  const [name = ''] = readdirSync(join(path, 'data'));
  return join(path, 'data', name);
}

/** Which Blocks can be read: a Block is itself, missing or known as damaged, and never another. */
async function readable(store: Datadir): Promise<boolean[]> {
  const found: boolean[] = [];
  for (const [i, code] of CODES.entries()) {
    try {
      const data = await store.get(code);
      if (data !== undefined) assert.deepEqual(Buffer.from(data), CONTENTS[i]);
      found.push(data !== undefined);
    } catch (error) {
      if (!(error instanceof CorruptBlockError)) throw error;
      found.push(false);
    }
  }
  return found;
}

describe('a Store that compresses by Zstandard', () => {
  it('takes less room than its Blocks, and gives each of them, also once its index is lost', async () => {
    const path = newStorePath();
    const file = await makeStore(path);
    const size = CONTENTS.reduce((sum, { length }) => sum + length, 0);
    assert.ok(statSync(file).size < size / 2, `${statSync(file).size} of ${size}`);
    rmSync(join(path, 'index'), { recursive: true });
    await withDatadir(path, async (store) => assert.ok((await readable(store)).every(Boolean)));
  });

  it('adds a Block of a frame once, and hands its Blocks on as records that others know', async () => {
    const path = newStorePath();
    const file = await makeStore(path);
    const { size } = statSync(file);
    await withDatadir(path, async (store) => {
      for (const data of CONTENTS) assert.equal((await store.add(data)).isNew, false);
      const digests = Buffer.concat(CODES.map(({ digest }) => digest));
      const blocks: Buffer[] = [];
      for await (const batch of capability(store, 'recordSource')?.records(digests) ?? []) {
        assert.ok(batch.codecs.every((codec) => codec < 2));
        for (const { data } of unpackRecords(batch, 20)) blocks.push(Buffer.from(data));
      }
      assert.deepEqual(blocks, CONTENTS);
    });
    assert.equal(statSync(file).size, size);
  });

  it('a data file cut short anywhere loses the Blocks past the cut alone', async () => {
    const path = newStorePath({ inMemory: true });
    const contents = CONTENTS.slice(0, 6);
    const file = await makeStore(path, contents);
    const whole = readFileSync(file);
    let before = 0;
    for (let length = 0; length <= whole.length; length += length < 64 ? 64 : 131) {
      rmSync(join(path, 'index'), { recursive: true, force: true });
      writeFileSync(file, whole.subarray(0, length));
      const count = await withDatadir(path, async (store) => (await readable(store)).filter(Boolean).length);
      assert.ok(count >= before, `${count} Blocks of ${length} octets, ${before} of fewer`);
      before = count;
    }
  });
});
