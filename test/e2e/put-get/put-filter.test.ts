import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { run, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

test('put by rules, and get, is what rsync copies by the same rules', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.path('source');
  makeTree(source, { files: 150, seed: 57 });
  mkdirSync(`${source}/rules/below`, { recursive: true });
  writeFileSync(`${source}/rules/.rsync-filter`, '- *.o\n+ below/keep\n- /below/*\n');
  for (const name of ['a.o', 'a.c', 'below/keep', 'below/drop']) writeFileSync(`${source}/rules/${name}`, name);
  writeFileSync(scratch.path('patterns'), '# comment\n+ *7*\n*.txt\n');
  const rules = [`--exclude-from=${scratch.path('patterns')}`, '-FF', '--include=/odd/', '--exclude=/odd/*', '--filter=-! *[a-z]*'];
  const copied = await run('rsync', ['-aHAX', '--modify-window=-1', ...rules, `${source}/`, scratch.path('copy')]);
  assert.equal(copied.status, 0, copied.report);
  assert.ok(readdirSync(scratch.path('copy')).length > 1);
  const put = await vtftp(
    [
      '-S',
      scratch.path('store'),
      '-c',
      `put ${rules.map((rule) => rule.replace(/=(.*)$/, "='$1'")).join(' ')} ${source} t; get t ${scratch.path('got')}`,
    ],
    {
      env,
    },
  );
  assert.equal(put.status, 0, put.report);
  assert.match(put.stdout, /[0-9]+ names excluded/);
  assert.equal(await rsyncDifferences(scratch.path('copy'), scratch.path('got')), '');
});

test('put: the order of options counts; excluded names that NAME had are gone, and kept with --merge; several LOCALs; --json', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.mkdir('source');
  mkdirSync(`${source}/build`);
  for (const name of ['a.c', 'a.o', 'top.o', 'build/out']) writeFileSync(`${source}/${name}`, name);
  const vt = async (line: string, ...options: string[]) =>
    await vtftp(['-S', scratch.path('store'), ...options, '-c', line], { env, cwd: source });
  const first = await vt(
    `put --include top.o --exclude '*.o' --exclude /build ${source} t; find t; put --exclude '*.o' --include top.o ${source} u; find u`,
  );
  assert.equal(first.status, 0, first.report);
  const found = first.stdout.split('\n').filter((line) => /^\/[tu](\/|$)/.test(line));
  assert.deepEqual(found, ['/t', '/t/a.c', '/t/top.o', '/u', '/u/a.c', '/u/build', '/u/build/out']);
  assert.match(first.stdout, /2 names excluded/);

  const gone = await vt(`put ${source} v; put --exclude '*.o' ${source} v; find v; put ${source} w; put -m -f '- *.o' ${source} w; find w`);
  assert.equal(gone.status, 0, gone.report);
  assert.match(gone.stdout, /2 names excluded; .*\nremoved 2 names from \/v /);
  assert.ok(!gone.stdout.includes('/v/a.o') && gone.stdout.includes('/w/a.o'), gone.report);

  const several = await vt(`mkdir d; put --exclude '*.o' --exclude /build/ * d/; find d`);
  assert.equal(several.status, 0, several.report);
  assert.match(several.stderr, /put: 3 of 4 excluded/);
  assert.deepEqual(
    several.stdout.split('\n').filter((line) => /^\/d/.test(line)),
    ['/d', '/d/a.c'],
  );

  const plan = await vt(`put --exclude=build ${source} p`, '-n', '--json');
  assert.deepEqual(plan.stdout.split('\n').filter((line) => line.includes('"excluded":1')).length, 1, plan.report);

  for (const [line, says] of [
    [`put --filter 'P x' ${source} x`, /protect is about what a receiver deletes/],
    [`put --filter '-foo' ${source} x`, /unknown modifier "f", at column 2/],
    [`put --exclude-from nowhere ${source} x`, /read rules \S*nowhere: no such file/],
  ] as const) {
    const refused = await vt(line);
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, says);
  }
});
