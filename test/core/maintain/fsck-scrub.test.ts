import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { type Finding, isFault } from '../../../core/maintain/findings.ts';
import { fsck } from '../../../core/maintain/fsck.ts';
import { scrub } from '../../../core/maintain/scrub.ts';
import { makeRandom } from '../../support/random.ts';
import { CONTENT, dataFiles, faultsOf, harm, makeStore } from './maintained-store.ts';

it('fsck of a Store that is whole finds nothing, and counts what there is', async () => {
  const { datadir } = await makeStore();
  await using _ = datadir;
  const counts = await fsck(datadir, { onFinding: (finding) => assert.fail(JSON.stringify(finding)) });
  assert.equal(counts.roots, 1);
  assert.equal(counts.records, counts.indexed);
  assert.ok(counts.entries >= 3);
});

it('scrub finds damaged octets, and names every path that they harm; fsck then knows them', async () => {
  const { datadir, path } = await makeStore();
  await using _ = datadir;
  harm(path, 20_000, () => 0x55, 4);
  assert.deepEqual(await faultsOf(datadir), []);
  const found: Finding[] = [];
  const counts = await scrub(datadir, {
    onFinding: (finding) => void (isFault(finding) && found.push(finding)),
    nowSeconds: () => 1000,
    monotonicMs: () => 0,
  });
  assert.equal(counts.damagedBlocks, 1);
  const paths = (findings: readonly Finding[]): string[] => findings.flatMap((finding) => (finding.kind === 'harm' ? [finding.path] : []));
  assert.deepEqual(paths(found), ['/dir/file-0', '/dir/file-1']);
  assert.deepEqual(paths(await faultsOf(datadir)), ['/dir/file-0', '/dir/file-1']);
});

it('scrub by shares comes round to everything, and remembers', async () => {
  const { datadir, path } = await makeStore();
  await using _ = datadir;
  const options = { onFinding: () => undefined, monotonicMs: () => 0 };
  const first = await scrub(datadir, { ...options, nowSeconds: () => 1000 });
  assert.equal(first.neverBytes, 0);
  assert.equal(first.oldest, 1000);
  assert.equal((await scrub(datadir, { ...options, nowSeconds: () => 9000, budgetMs: 0 })).bytes, 0);
  rmSync(join(path, 'scrubbed'));
  assert.ok((await scrub(datadir, { ...options, nowSeconds: () => 9000, budgetMs: 0 })).neverBytes > 0);
});

it('a Block that only the index finds, as its record has a damaged header, is stored anew by scrub', async () => {
  const { datadir, path } = await makeStore();
  harm(path, 16_000, (octet) => octet, 0);
  for (const file of dataFiles(path)) {
    const data = readFileSync(file);
    const found = data.indexOf(CONTENT.subarray(16_000, 16_032));
    data[found - 40] = 0xff;
    writeFileSync(file, data);
  }
  const counts = await scrub(datadir, { onFinding: () => undefined, nowSeconds: () => 1, monotonicMs: () => 0 });
  assert.deepEqual([counts.salvagedBlocks, counts.damagedBlocks], [1, 0]);
  await datadir[Symbol.asyncDispose]();
  rmSync(join(path, 'index'), { recursive: true });
  await using again = await openDatadir(path);
  assert.deepEqual(await faultsOf(again), []);
});

it('fsck tells of Blocks that a gc which was broken off had let go of, and takes them for no fault unless a root needs them', async () => {
  const { datadir, path, root } = await makeStore();
  const { hashcode } = await datadir.add(makeRandom(77).bytes(5000));
  await datadir.flush();
  const { index } = datadir.internals();
  const forget = (digest: Uint8Array): void => {
    const from = index.get(digest);
    assert.ok(from !== undefined);
    index.rewrite([{ digest, from, to: undefined }], new Map());
  };
  forget(hashcode.digest);
  const findings: Finding[] = [];
  await fsck(datadir, { onFinding: (finding) => void findings.push(finding) });
  assert.deepEqual(findings, [{ kind: 'dropped', count: 1 }]);
  assert.ok(!findings.some(isFault));

  assert.ok(root.kind === 'dir' && root.block.kind === 'hash', `${path}: the root is a Block`);
  forget(root.block.hashcode.digest);
  findings.length = 0;
  await fsck(datadir, { onFinding: (finding) => void findings.push(finding) });
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['harm', 'index'],
  );
  await datadir[Symbol.asyncDispose]();
});
