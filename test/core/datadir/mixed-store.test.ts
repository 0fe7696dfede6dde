import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { DEFAULT_EDGES } from '../../../core/block/edge-settings.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { formatDatadirFormat, readDatadirFormat } from '../../../core/datadir/datadir-format.ts';
import type { Datadir } from '../../../core/datadir/datadir-store.ts';
import { fsck } from '../../../core/maintain/fsck.ts';
import { capability } from '../../../core/store/capability.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { newStorePath, withDatadir } from './store-folder.ts';

// A Store that had another hash function before: test/golden/vtftp/mixed-store was made from vt(5) by an encoder that is not ours.

const GOLDEN = join(PROJECT_ROOT, 'test/golden/vtftp/mixed-store');
/** One that the map of names names, and one that it does not. */
const LEAVES = [Buffer.from('a leaf that stays where it is, in a file of SHA-1\n'), Buffer.from('compressible '.repeat(100))];
const OLD_FILE = '01234567-89ab-cdef-0123-456789abcdef.vtd';

function copy(): string {
  const path = newStorePath();
  cpSync(GOLDEN, path, { recursive: true });
  return path;
}

async function requireLeaves(store: Datadir): Promise<void> {
  for (const leaf of LEAVES) {
    const found = await store.get(hashcodeOf('sha3-256', leaf));
    assert.ok(found !== undefined && leaf.equals(found), leaf.toString());
  }
}

it('leaves are read from data files of the hash function that the Store had before', async () => {
  await withDatadir(copy(), async (store) => {
    assert.equal(store.hashName, 'sha3-256');
    await requireLeaves(store);
    const batches = capability(store, 'recordSource')?.records(Buffer.concat(LEAVES.map((leaf) => hashcodeOf('sha3-256', leaf).digest)));
    let count = 0;
    for await (const batch of batches ?? []) count += batch.count;
    assert.equal(count, LEAVES.length);
    const findings: unknown[] = [];
    await fsck(store, { onFinding: (finding) => findings.push(finding) });
    assert.deepEqual(findings, []);
  });
});

it('so they are without the map, with a damaged header, and where the format file is lost', async () => {
  const path = copy();
  rmSync(join(path, 'names'), { recursive: true });
  rmSync(join(path, 'vtftp-store'));
  const file = join(path, 'data', OLD_FILE);
  const octets = readFileSync(file);
  octets[20] = 0xff;
  writeFileSync(file, octets);
  await withDatadir(path, async (store) => {
    assert.equal(store.hashName, 'sha3-256', 'that of the newest data file');
    await requireLeaves(store);
  });
});

it('what is added goes to no data file of another hash function', async () => {
  const path = copy();
  const before = readFileSync(join(path, 'data', OLD_FILE));
  await withDatadir(path, async (store) => {
    await requireLeaves(store);
    await store.add(Buffer.from('new'));
  });
  assert.deepEqual(readFileSync(join(path, 'data', OLD_FILE)), before);
  assert.equal(readdirSync(join(path, 'data')).length, 2, 'the file of the Store is gone on with');
});

it('a Store has format 3 once it has, or is to have, data files of two hash functions', () => {
  const format = readDatadirFormat(GOLDEN);
  assert.equal(format?.isMixed, true);
  assert.equal(formatDatadirFormat(format), readFileSync(join(GOLDEN, 'vtftp-store'), 'utf8'));
  const { isMixed: _, ...plain } = format;
  assert.deepEqual(plain.edges, DEFAULT_EDGES);
  assert.match(formatDatadirFormat(plain), /^format=2$/m);
  assert.match(formatDatadirFormat({ ...plain, becoming: 'blake3' }), /^format=3$[\s\S]*^becoming=blake3$/m);
});
