import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

/** A file of its own content, so large that its Blocks do not fit into the head of an index. */
function contentIn(scratch: Scratch, name: string): Buffer {
  const content = makeRandom(name.length).bytes(12_000_000);
  writeFileSync(scratch.path(name), content);
  return content;
}

test('gc frees nothing where the index was lost and cannot take what the data files have', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = scratch.path('store');
  const content = contentIn(scratch, 'file');
  assert.equal((await vtftp(['-S', store, '-c', `put ${scratch.path('file')} f; quit`], { env })).status, 0);
  rmSync(`${store}/index`, { recursive: true });
  // No file may have more than 35 KiB: the index cannot be written. Data files are old enough for gc.
  const limited = `touch -d '30 days ago' ${store}/data/*.vtd; ulimit -f 70; trap '' XFSZ; exec "$0" "$@"`;
  const freed = await run('bash', ['-c', limited, process.execPath, PROGRAM, '-S', store, '-c', 'gc'], { env });
  assert.notEqual(freed.status, undefined, freed.report);
  const got = await vtftp(['-S', store, '-c', `get f ${scratch.path('got')}`], { env });
  assert.equal(got.status, 0, `${freed.report}\n${got.report}`);
  assert.ok(readFileSync(scratch.path('got')).equals(content));
});

test('gc frees nothing that is needed on a full disk whose index was lost', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const disk = scratch.mkdir('disk');
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=30M', 'tmpfs', disk]);
  if (mounted.status !== 0) return t.skip(`mounting a small disk: ${mounted.stderr.trim()}`);
  try {
    const store = `${disk}/store`;
    const content = contentIn(scratch, 'file');
    writeFileSync(scratch.path('other'), makeRandom(3).bytes(300_000));
    const first = await vtftp(
      ['-S', store, '-c', `put ${scratch.path('file')} f; put ${scratch.path('other')} other; sync; rm other; quit`],
      { env },
    );
    assert.equal(first.status, 0, first.report);
    // `other` is in the first root alone; without that root nobody needs it.
    const drop = await vtftp(['-S', store, '-c', 'gc --drop default@1'], { env });
    assert.ok(drop.status !== undefined, drop.report);
    rmSync(`${store}/index`, { recursive: true });
    rmSync(`${store}/reserve`, { recursive: true, force: true });
    await run('sh', [
      '-c',
      `touch -d '30 days ago' ${store}/data/*; head -c $(( ($(stat -f -c '%a*%S' ${disk})) - 700000 )) /dev/zero >${disk}/filler`,
    ]);
    const gc = await vtftp(['-S', store, '-c', 'gc --grace 0'], { env });
    assert.ok(gc.status !== undefined, gc.report);
    rmSync(`${disk}/filler`);
    const got = await vtftp(['-S', store, '-c', `get f ${scratch.path('got')}; put ${scratch.path('other')} again; quit`], { env });
    assert.equal(got.status, 0, `${gc.report}\n${got.report}`);
    assert.ok(readFileSync(scratch.path('got')).equals(content));
    const whole = await vtftp(['-S', store, '-c', `get again ${scratch.path('again')}; fsck`], { env });
    assert.equal(whole.status, 0, whole.report);
  } finally {
    await run('umount', [disk]);
  }
});

test('a session makes the index anew as often as it is lost', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = scratch.path('store');
  for (const name of ['a', 'b', 'c']) writeFileSync(scratch.path(name), makeRandom(name.charCodeAt(0)).bytes(50_000));
  const lose = `!rm -r ${store}/index`;
  const line = ['a', 'b', 'c'].map((name) => `put ${scratch.path(name)} ${name}; ${lose}; sync`).join('; ');
  const ended = await vtftp(['-S', store, '-c', `${line}; quit`], { env });
  assert.equal(ended.status, 0, ended.report);
  const got = await vtftp(['-S', store, '-c', `get / ${scratch.path('got')}`, recited(ended)], { env });
  assert.equal(got.status, 0, got.report);
  for (const name of ['a', 'b', 'c']) assert.ok(readFileSync(scratch.path(`got/${name}`)).equals(readFileSync(scratch.path(name))), name);
});

test('an index of an earlier version beside one of today is removed, and asks for nothing', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = scratch.path('store');
  await vtftp(['-S', store, '-c', 'mkdir d; quit'], { env });
  writeFileSync(`${store}/index/data.mdb`, '');
  for (const round of [1, 2]) {
    const listed = await vtftp(['-S', store, '-c', 'touch d/f; ls; quit'], { env });
    assert.equal(listed.status, 0, listed.report);
    assert.equal(listed.stderr, '', `round ${round}`);
  }
  assert.ok(!existsSync(`${store}/index/data.mdb`));
});

test('what a gc of another process freed is stored again, though a session had met it in the data files', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const disk = scratch.mkdir('disk');
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=24M', 'tmpfs', disk]);
  if (mounted.status !== 0) return t.skip(`mounting a small disk: ${mounted.stderr.trim()}`);
  try {
    const store = `${disk}/store`;
    const program = `${process.execPath} ${PROGRAM} -S ${store}`;
    for (const name of ['keep', 'dead']) writeFileSync(scratch.path(name), makeRandom(name.charCodeAt(0)).bytes(300_000));
    // `dead` is stored, and its root is taken out of the archive.
    const made = await run(
      'sh',
      [
        '-ec',
        `${program} -c 'put ${scratch.path('keep')} keep; quit'; cp -a ${store}/archives ${disk}/before
      ${program} -c 'put ${scratch.path('dead')} dead; quit'; rm -r ${store}/archives; mv ${disk}/before ${store}/archives
      rm -rf ${store}/index ${store}/reserve
      head -c $(( $(stat -f -c '%a*%S' ${disk}) - 1300000 )) /dev/zero >${disk}/filler`,
      ],
      { env },
    );
    assert.equal(made.status, 0, made.report);
    const gc = `!${program} -c 'gc --grace 0'`;
    const put = await vtftp(['-S', store, '-c', `ls -l; ${gc}; !rm ${disk}/filler; put ${scratch.path('dead')} back; quit`], { env });
    assert.equal(put.status, 0, put.report);
    assert.match(put.stdout, /freed .* \([1-9]\d* Blocks\)/, put.report);
    const got = await vtftp(['-S', store, '-c', `get back ${scratch.path('back')}; get keep ${scratch.path('kept')}`], { env });
    assert.equal(got.status, 0, `${put.report}\n${got.report}`);
    assert.ok(readFileSync(scratch.path('back')).equals(readFileSync(scratch.path('dead'))));
  } finally {
    await run('umount', [disk]);
  }
});

test('whoever opens a Store that another session has just begun is told of no missing index', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const store = scratch.path('store');
  contentIn(scratch, 'file');
  // The first session holds its Blocks back until the second has looked.
  const second = `${process.execPath} ${PROGRAM} -S ${store} -c 'gc --grace 0' 2>&1`;
  const first = await vtftp(['-S', store, '-c', `put ${scratch.path('file')} f; !${second}`, '-c', 'quit'], { env });
  assert.equal(first.status, 0, first.report);
  assert.doesNotMatch(first.report, /missing|rebuil/, first.report);
  assert.equal((await vtftp(['-S', store, '-c', 'fsck'], { env })).status, 0);
});
