import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyStore, damageBlocks, makeSmallStore } from '../../slow/stores/small-store.ts';
import { serve } from '../../support/links/served-program.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

test('fsck, scrub, repair and gc as a person runs them: reports, JSON, exit statuses', async (t) => {
  const scratch = makeScratch(t);
  const { store, source, env } = await makeSmallStore(scratch.folder, 66);
  const shell = (line: string, ...options: string[]) => vtftp(['-S', store, ...options, '-c', line], { env });
  const good = scratch.path('good');
  await copyStore(store, good);

  const clean = await shell('fsck');
  assert.equal(clean.status, 0, clean.report);
  assert.match(clean.stdout, /2 roots, .*: clean;/);

  const planned = await shell('gc -n --grace 0', '--json');
  assert.equal(planned.status, 0, planned.report);
  const plan = JSON.parse(planned.stdout.split('\n')[0] ?? '') as { readonly freed_bytes: number; readonly plan: boolean };
  assert.ok(plan.plan && plan.freed_bytes > 150_000, planned.report);
  const young = await shell('gc');
  assert.match(young.stdout, /freed 0B/, young.report);
  const freed = await shell('gc --grace 0');
  assert.equal(freed.status, 0, freed.report);
  assert.match(freed.stdout, /freed 1\d\dK/);

  assert.ok(damageBlocks(store, source) >= 3);
  const scrubbed = await shell('scrub');
  assert.equal(scrubbed.status, 13, scrubbed.report);
  assert.match(
    scrubbed.stdout,
    /"\/tree\/large": Block H\{sha3-256:[0-9a-f]{64}\} is damaged in "[0-9a-f-]+\.vtd" at byte \d+, in root 2 of archive "default"/,
  );
  assert.match(scrubbed.stderr, /repair --from STORE/);
  const told = await shell('fsck', '--json');
  assert.equal(told.status, 13, told.report);
  assert.ok(told.stdout.split('\n').some((line) => line.includes('"finding":"harm"') && line.includes('"path":"/tree/large"')));

  const mended = await shell(`repair --from ${good}`);
  assert.equal(mended.status, 0, mended.report);
  assert.match(mended.stdout, /brought back; every root is complete/);
  assert.equal((await shell('fsck --rebuild-index')).status, 0);

  const none = await vtftp(['-S', 'memory:', '-c', 'fsck'], { env });
  assert.equal(none.status, 1, none.report);
  assert.equal((await shell('scrub --budget soon')).status, 2);
  assert.equal((await shell('scrub --subset 0%')).status, 2);
});

test('a durability of none is told of through every Store that stands over the datadir', async (t) => {
  const scratch = makeScratch(t);
  const store = `datadir:${scratch.path('none')}`;
  await vtftp(['-S', `${store}?durability=none`, '-c', 'mkdir a; quit'], { env: scratch.env });
  for (const [over, options] of [
    [store, ['--progress=store']],
    [`progress:${store}`, []],
    [`proxy:save=(${store})`, []],
    [`proxy:save=(progress:${store})|(datadir:${scratch.path('batch')})`, ['--progress=store']],
  ] as const) {
    const run = await vtftp(['-S', over, ...options, '-c', 'mkdir b; quit'], { env: scratch.env });
    assert.match(run.stderr, /durability is none/, run.report);
    await vtftp(['-S', store, '-c', 'rmdir b; quit'], { env: scratch.env });
  }
  const served = await serve(scratch, store, `serve unix:${scratch.path('sock')}`);
  const cached = `filecache:path=${scratch.path('cache')},backend=${served.address}`;
  for (const over of [served.address, cached]) {
    const run = await vtftp(['-S', over, '-c', 'mkdir c; quit'], { env: scratch.env });
    assert.match(run.stderr, /durability is none/, run.report);
    await vtftp(['-S', over, '-c', 'rmdir c; quit'], { env: scratch.env });
  }
});

test('a Store whose durability is none says so when it recites, and one that is strict works the same', async (t) => {
  const scratch = makeScratch(t);
  for (const durability of ['none', 'strict']) {
    const put = await vtftp(['-S', `datadir:${scratch.path(durability)}?durability=${durability}`, '-c', 'mkdir a; quit'], {
      env: scratch.env,
    });
    assert.equal(put.status, 0, put.report);
    assert.equal(/durability is none/.test(put.stderr), durability === 'none', put.report);
  }
});
