import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { recited, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

/** Octets that a file takes on disk; holes take none. */
function allocated(path: string): number {
  return statSync(path).blocks * 512;
}

test('20,000 files with hard links, symlinks, xattrs, ACLs, setgid folders, holes, owners and odd names come back, and rsync finds nothing', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.path('source');
  const target = scratch.path('target');
  makeTree(source, { files: 20_000, seed: 2 });

  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${source} tree`, '-c', 'quit'], { env });
  assert.equal(put.status, 0, put.report);

  // A new process, which knows no more than the Store and the Dirref.
  const get = await vtftp(['-S', scratch.path('store'), '-c', `get tree ${target}`, recited(put)], { env });
  assert.equal(get.status, 0, get.report);
  assert.equal(await rsyncDifferences(source, target), '');

  for (const name of ['hole at the start', 'hole at the end', 'hole between', 'hole only']) {
    const taken = allocated(`${target}/odd/${name}`);
    assert.ok(taken < 1 << 20, `"${name}" of 3 MiB is sparse again, yet takes ${taken} octets`);
  }

  await t.test('a second PUT of the unchanged tree reads no file content and stores nothing new', async () => {
    const again = await vtftp(['-S', scratch.path('store'), '--json', '-c', `put ${source} tree`, '-c', 'quit'], { env });
    assert.equal(again.status, 0, again.report);
    const [report = {}, end = {}] = again.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(report['unchanged_files'], report['files'], again.report);
    assert.equal(report['new_blocks'], 0, again.report);
    assert.equal(end['dirref'], recited(put), 'the root of an unchanged tree is the same');
  });

  await t.test('a second GET over the first changes nothing and ends well', async () => {
    const again = await vtftp(['-S', scratch.path('store'), '-c', `get -p tree/. ${target}`, recited(put)], { env });
    assert.equal(again.status, 0, again.report);
    assert.equal(await rsyncDifferences(source, target), '');
  });
});
