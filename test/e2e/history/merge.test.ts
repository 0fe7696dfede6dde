import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import type { Run } from '../../support/program.ts';
import { PROGRAM, recited, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

interface Sides {
  readonly a: string;
  readonly b: string;
  run(store: string, commands: string, ...options: string[]): Promise<Run>;
}

/** Two Stores that parted after one state: g was changed in both, f in b, n made in a. */
async function parted(scratch: Scratch): Promise<Sides> {
  const [a, b, tree] = [scratch.path('a'), scratch.path('b'), scratch.path('tree')];
  const run = async (store: string, commands: string, ...options: string[]): Promise<Run> =>
    await vtftp(['-S', store, ...options, '-c', commands], { env: scratch.env });
  const put = async (store: string): Promise<void> => {
    const done = await run(store, `put ${tree} t; quit`);
    assert.equal(done.status, 0, done.report);
  };
  mkdirSync(`${tree}/d`, { recursive: true });
  writeFileSync(`${tree}/d/f`, 'one');
  writeFileSync(`${tree}/g`, 'two');
  await put(a);
  const dirref = recited(await run(a, 'quit'));
  const copied = await vtftp(['-S', b, '-c', `join ${a}@default first; mv first/t t; rmdir first; quit`], { env: scratch.env });
  assert.equal(copied.status, 0, copied.report);
  const same = await run(b, `cat t/g t/d/f`);
  assert.equal(same.stdout, 'twoone', `${dirref} ${same.report}`);
  writeFileSync(`${tree}/g`, 'two of a, longer');
  writeFileSync(`${tree}/n`, 'new');
  await put(a);
  writeFileSync(`${tree}/g`, 'two of b');
  writeFileSync(`${tree}/d/f`, 'one of b');
  rmSync(`${tree}/n`);
  await put(b);
  return { a, b, run };
}

it('join grafts the tree of another Store, a Dirref or an archive, with its Blocks, and refuses what it cannot', async (t) => {
  const scratch = makeScratch(t);
  const { a, b, run } = await parted(scratch);
  const dirref = recited(await run(a, 'quit'));
  const joined = await run(b, `join ${a} other; cat other/t/n; fsck; quit`);
  assert.equal(joined.status, 0, joined.report);
  assert.match(joined.stdout, /^join: \d+ Blocks? copied/m);
  assert.match(joined.stdout, /^new/m);
  const byReference = await run(a, `join -n '${dirref}' x; join '${dirref}' x; cat x/t/n`);
  assert.equal(byReference.status, 0, byReference.report);
  assert.match(byReference.stdout, /^would join \/x\njoined \/x\nnew/m);
  for (const [commands, status, says] of [
    [`join ${a} t`, 1, /exists/],
    [`join ${scratch.path('tree')} y`, 2, /ordinary directory \(use put\)/],
    [`join ${scratch.path('nowhere')} y`, 10, /no such/],
  ] as const) {
    const refused = await run(b, commands);
    assert.equal(refused.status, status, refused.report);
    assert.match(refused.stderr, says, refused.report);
  }
  const lacking = await vtftp(['-S', scratch.path('c'), '-c', `mkdir own; sync; join '${dirref}' x`], { env: scratch.env });
  assert.equal(lacking.status, 13, lacking.report);
});

it('merge compares with the common past, lists conflicts, and resolves them as it is told', async (t) => {
  const scratch = makeScratch(t);
  const { a, b, run } = await parted(scratch);
  // The root of b never was one of a: the Dir t was.
  const refused = await run(b, `merge ${a}`);
  assert.equal(refused.status, 3, refused.report);
  assert.match(refused.stdout, /^conflict: \/t\/g: changed on both sides$/m);
  assert.equal((await run(b, 'cat t/g t/d/f')).stdout, 'two of bone of b', 'nothing is changed');
  const planned = await run(b, `merge -n --conflict=newer ${a}; find t -name n`);
  assert.equal(planned.status, 0, planned.report);
  assert.match(planned.stdout, /would merge into \/: \d+ conflict/);
  for (const [policy, content] of [
    ['ours', 'two of b'],
    ['theirs', 'two of a, longer'],
    ['newer', 'two of b'],
  ] as const) {
    const copy = scratch.path(`b-${policy}`);
    cpSync(b, copy, { recursive: true });
    const merged = await run(copy, `merge --conflict=${policy} ${a}; cat t/g; quit`);
    assert.match(merged.stdout, new RegExp(`merged into /: \\d+ conflicts?\n${content}`), merged.report);
  }
  const both = await run(b, `merge --conflict=both ${a}; cat t/g t/g.theirs-* t/n`);
  assert.equal(both.status, 0, both.report);
  assert.match(both.stdout, /two of btwo of a, longernew/);
  const wrong = await run(b, `merge --conflict=mine ${a}`);
  assert.equal(wrong.status, 2, wrong.report);
});

it('a live mount is joined and merged into another tree, and another tree into a Dir of it', {
  skip: noMountsHere() ?? false,
}, async (t) => {
  const scratch = makeScratch(t);
  const mount = await mounted(t, scratch);
  assert.equal((await mount.sh('mkdir d; echo live > d/f')).status, 0);
  const other = scratch.path('other');
  const env = { ...scratch.env, XDG_RUNTIME_DIR: scratch.path('runtime') };
  const joined = await vtftp(
    ['-S', other, '-c', `join ${mount.path} live; cat live/d/f; mkdir m; merge ${mount.path} m; cat m/d/f; quit`],
    { env },
  );
  assert.equal(joined.status, 0, joined.report);
  assert.match(joined.stdout, /live\n(?:.*\n)*live\n/);
  writeFileSync(scratch.path('more'), 'more');
  assert.equal((await vtftp(['-S', other, '-c', `put ${scratch.path('more')} m/d/more; rm -r live; quit`], { env })).status, 0);
  const into = await vtftp([mount.path, '-c', `join ${other} theirs; merge --conflict=ours ${other} d; ls d`], { env });
  assert.equal(into.status, 0, into.report);
  assert.equal((await mount.sh('cat theirs/m/d/more d/m/d/more d/f')).stdout, 'moremorelive\n');
  // Into its root, too: who has something open there goes on.
  writeFileSync(scratch.path('more'), 'most');
  assert.equal((await vtftp(['-S', other, '-c', `put ${scratch.path('more')} m/d/more; quit`], { env })).status, 0);
  const root = await mount.sh(
    `exec 3< d/f; '${process.execPath}' '${PROGRAM}' ${mount.path} -c 'merge --conflict=ours ${other}' > /dev/null && cat - m/d/more <&3`,
  );
  assert.equal(root.stdout, 'live\nmost', root.report);
});

it('join and merge take every read-only source: past states, archive files, a Store that is served read-only, a Python datadir', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const a = scratch.path('a');
  for (const line of ['mkdir one; quit', 'mkdir two; quit']) assert.equal((await vtftp(['-S', a, '-c', line], { env })).status, 0);
  const python = scratch.path('python');
  cpSync(join(PROJECT_ROOT, 'test/golden/python-vt/mount'), python, { recursive: true });
  const { address } = await serve(scratch, a, `serve -r unix:${scratch.path('socket')}`);
  for (const [source, hash, listed] of [
    [`${a}@1`, 'sha3-256', 'one\n'],
    [`${a}/archives/default.vt`, 'sha3-256', 'one\ntwo\n'],
    [`${a}/archives/default.vt@1`, 'sha3-256', 'one\n'],
    [address, 'sha3-256', 'one\ntwo\n'],
    [`${python}/store`, 'blake3', ''],
  ] as const) {
    const store = `datadir:${scratch.path(`to-${hash}`)}`;
    await vtftp(['-S', `${store},hash=${hash}`, '-c', 'mkdir own; quit'], { env });
    const joined = await vtftp(['-S', store, '-c', `join "${source}" j; ls j; merge "${source}"; ls -d own; rm -r j; quit`], { env });
    assert.equal(joined.status, 0, joined.report);
    assert.ok(joined.stdout.includes(`joined /j\n${listed}`), joined.report);
    assert.match(joined.stdout, /^merged into \/: 0 conflicts\nown$/m, joined.report);
  }
});

it('join and merge work over the control socket and by setfattr, for Dirrefs whose Blocks are there', {
  skip: noMountsHere() ?? false,
}, async (t) => {
  const scratch = makeScratch(t);
  const mount = await mounted(t, scratch);
  const words = async (command: string) =>
    await mount.sh(`setfattr -n user.x-vt-control -v "$1" .`.replace('$1', command.replaceAll('"', '\\"')));
  assert.equal((await mount.sh('mkdir d && printf one > d/f')).status, 0);
  const dirref = recited(await mount.vtftp(mount.path, '-c', 'quit'));
  assert.equal((await mount.sh('printf two > d/g; rm d/f')).status, 0);
  const joined = await words(`join ${dirref} before`);
  assert.equal(joined.status, 0, joined.report);
  assert.equal((await mount.sh('cat before/d/f')).stdout, 'one');
  const merged = await words(`merge --conflict=both ${dirref} d`);
  assert.equal(merged.status, 0, merged.report);
  assert.equal((await mount.sh('ls d')).stdout, 'd\ng\n');
  const beyond = await words(`join ${scratch.path('other')} x`);
  assert.notEqual(beyond.status, 0, beyond.report);
});
