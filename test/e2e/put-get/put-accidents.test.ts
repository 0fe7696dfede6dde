import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, linkSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

/** Words before a command under which even root may not read what modes forbid. */
function withoutOverride(): readonly string[] {
  return process.getuid?.() === 0
    ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search', '--inh-caps', '-dac_override,-dac_read_search']
    : [];
}

test('a file that is all of a PUT and may not be read ends it with 12', async (t) => {
  const scratch = makeScratch(t);
  const file = scratch.path('secret.txt');
  writeFileSync(file, 'x');
  chmodSync(file, 0);
  const command = [...withoutOverride(), process.execPath, PROGRAM, '-S', scratch.path('store'), '-c', `put ${file}`];
  const put = await run(command[0] ?? '', command.slice(1), { env: scratch.env });
  assert.equal(put.status, 12, put.report);
  assert.match(put.stderr, /^put: .*secret\.txt: permission denied/m);
});

test('what cannot be read is not among the files and octets that a PUT reports', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('source');
  writeFileSync(`${source}/read.txt`, 'abc');
  writeFileSync(`${source}/secret.txt`, 'never read');
  linkSync(`${source}/secret.txt`, `${source}/linked.txt`);
  chmodSync(`${source}/secret.txt`, 0);
  const command = [...withoutOverride(), process.execPath, PROGRAM, '-S', scratch.path('store'), '--json', '-c', `put ${source} s`];
  const put = await run(command[0] ?? '', command.slice(1), { env: scratch.env });
  assert.equal(put.status, 3, put.report);
  const report = JSON.parse(put.stdout.split('\n')[0] ?? '') as Record<string, number>;
  assert.deepEqual([report['files'], report['bytes'], report['others'], report['failures']], [1, 3, 0, 2], put.report);
});

test('what cannot be read keeps its stored state, and is named; what is gone goes', async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('u');
  const say = async (line: string) => {
    const words = [...withoutOverride(), process.execPath, PROGRAM, '-S', scratch.path('store'), '-c', line];
    return await run(words[0] ?? '', words.slice(1), { env: scratch.env, cwd: scratch.folder });
  };
  for (const folder of ['d/deep', 'list', 'was-dir']) scratch.mkdir(`u/${folder}`);
  for (const file of ['d/deep/f', 'd/g', 'list/x', 'secret', 'gone', 'a', 'was-dir/kept']) writeFileSync(`${source}/${file}`, file);
  linkSync(`${source}/a`, `${source}/b`);
  const first = await say('put u; quit');
  assert.equal(first.status, 0, first.report);

  for (const [name, mode] of [
    ['d', 0],
    ['list', 0o444],
    ['secret', 0],
    ['a', 0],
  ] as const) {
    chmodSync(`${source}/${name}`, mode);
  }
  rmSync(`${source}/gone`);
  rmSync(`${source}/was-dir`, { recursive: true });
  writeFileSync(`${source}/was-dir`, 'now a file');
  chmodSync(`${source}/was-dir`, 0);
  writeFileSync(`${source}/new`, 'new');
  const again = await say('put u; find u; cat u/d/deep/f u/list/x u/secret u/a u/b u/was-dir/kept u/new; stat u/d; stat u/a');
  assert.equal(again.status, 3, again.report);
  assert.match(again.stderr, /put: .*\/u\/d: permission denied; what is stored of it stays/);
  assert.equal(again.stderr.match(/what is stored of it stays/g)?.length, 5, again.report);
  const kept = await say(
    'find u; cat u/d/deep/f u/d/g u/list/x u/secret u/a u/b u/was-dir/kept u/new; ls -ld u/d; stat u/a; put u elsewhere || find elsewhere',
  );
  assert.ok(kept.stdout.includes('d/deep/fd/glist/xsecretaawas-dir/keptnew'), kept.report);
  assert.match(kept.stdout, /d--------- .* u\/d$/m);
  assert.doesNotMatch(kept.stdout, /gone/);
  assert.match(kept.stdout, /^\/elsewhere\/d$/m, 'a directory that cannot be listed is stored as an entry');
  assert.match(kept.stdout, /^links +2$/m, kept.report);
  assert.doesNotMatch(kept.stdout, /elsewhere\/(secret|a)$/m);

  for (const name of ['d', 'list']) chmodSync(`${source}/${name}`, 0o755);
  for (const name of ['secret', 'a', 'was-dir']) chmodSync(`${source}/${name}`, 0o644);
  const whole = await say('put u; get u back');
  assert.equal(whole.status, 0, whole.report);
  assert.equal(await rsyncDifferences(source, scratch.path('back')), '');
});

test('what a mount below shows keeps its stored state once its process has died', { skip: noMountsHere() ?? false }, async (t) => {
  const scratch = makeScratch(t);
  const source = scratch.mkdir('u');
  const place = scratch.mkdir('u/mnt');
  scratch.beforeRemoval(() => spawnSync('umount', ['-l', place], { stdio: 'ignore' }));
  const options = { env: scratch.env, cwd: scratch.folder };
  const begun = await vtftp(['-S', './below', '-c', `put - photo; mount ${place}`], { ...options, input: 'content' });
  assert.equal(begun.status, 0, begun.report);
  const first = await vtftp(['-S', './store', '-c', `put ${source} u; cat u/mnt/photo; quit`], options);
  assert.match(first.stdout, /^content/m, first.report);
  const mounts = await vtftp(['-S', './below', '--json', '-c', 'mounts'], options);
  const { pid } = mounts.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly mountpoint: string; readonly pid: number })
    .find(({ mountpoint }) => mountpoint === place) ?? { pid: 0 };
  assert.ok(pid > 0, mounts.report);
  process.kill(pid, 'SIGKILL');
  const again = await vtftp(['-S', './store', '-c', `put ${source} u`], options);
  assert.equal(again.status, 3, again.report);
  assert.match(again.stderr, /^put: .*\/u\/mnt: not connected; what is stored of it stays$/m);
  const kept = await vtftp(['-S', './store', '-c', 'cat u/mnt/photo'], options);
  assert.equal(kept.stdout, 'content', kept.report);
});

test('a file that says it is empty and is not is no success: nothing of it is lost without a word', async (t) => {
  const scratch = makeScratch(t);
  const put = await vtftp(['-S', scratch.path('store'), '-c', 'put /proc/version'], { env: scratch.env });
  assert.notEqual(put.status, 0, put.report);
  assert.match(put.stderr, /^put: \/proc\/version: .*its size is reported as 0 but it has content/m);
});

test('a working directory that is gone stops nothing that does not need it', async (t) => {
  const scratch = makeScratch(t);
  const lines = `cd ${scratch.mkdir('gone')} && rmdir ${scratch.path('gone')} && "$0" "$1" -S ${scratch.path('store')} -c pwd`;
  const done = await run('sh', ['-c', lines, process.execPath, PROGRAM], { env: scratch.env });
  assert.equal(done.status, 0, done.report);
  assert.equal(done.stdout, '/\n');
});

test('unreadable files and folders in the middle of a PUT are named, the rest goes in, and the exit status is 3', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.path('source');
  makeTree(source, { files: 300, seed: 7, extras: false });
  writeFileSync(`${source}/secret.txt`, 'x');
  chmodSync(`${source}/secret.txt`, 0);
  const closed = scratch.mkdir('source/closed');
  writeFileSync(`${closed}/inside.txt`, 'x');
  chmodSync(closed, 0);

  const command = [
    ...withoutOverride(),
    process.execPath,
    PROGRAM,
    '-S',
    scratch.path('store'),
    '-c',
    `put ${source} tree`,
    '-c',
    'ls tree',
  ];
  const put = await run(command[0] ?? '', command.slice(1), { env });
  assert.equal(put.status, 3, put.report);
  assert.match(put.stderr, /secret\.txt.*(permission denied|EACCES)/i);
  assert.match(put.stderr, /closed.*(permission denied|EACCES)/i);

  const get = await vtftp(['-S', scratch.path('store'), '-c', `get tree ${scratch.path('target')}`], { env });
  assert.equal(get.status, 0, get.report);
  chmodSync(closed, 0o700);
  const missing = await rsyncDifferences(source, scratch.path('target'), ['--exclude=/secret.txt', '--exclude=/closed']);
  assert.deepEqual(
    missing.split('\n').filter((line) => line !== '' && !line.endsWith(' ./')),
    [],
  );
});

test('a file that changes while it is read is named, and what is stored of it can be read', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.mkdir('source');
  writeFileSync(`${source}/still.txt`, 'still\n');
  const data = makeRandom(3).bytes(1 << 20);
  const fd = openSync(`${source}/busy.bin`, 'w');
  for (let i = 0; i < 192; i++) writeSync(fd, data);

  let changes = 0;
  let timer: NodeJS.Timeout | undefined;
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${source} tree; quit`], {
    env,
    // Another program writes all the time, every millisecond somewhere else, and the size goes up and down.
    during: () => {
      timer = setInterval(() => {
        changes++;
        writeSync(fd, data, 0, 4096, ((changes * 7919) % 48_000) * 4096);
        ftruncateSync(fd, (192 << 20) - (changes % 2) * 8192);
      }, 1);
    },
  });
  clearInterval(timer);
  closeSync(fd);
  assert.ok(changes > 10, `only ${changes} changes were made`);
  assert.equal(put.status, 3, put.report);
  assert.match(put.stderr, /busy\.bin.*chang/);

  const get = await vtftp(['-S', scratch.path('store'), recited(put), '-c', `get tree ${scratch.path('target')}`], { env });
  assert.equal(get.status, 0, get.report);
  assert.equal(
    (await rsyncDifferences(source, scratch.path('target'), ['--exclude=busy.bin', '--exclude=/.'])).replace(/^.* \.\/\n/, ''),
    '',
  );
});

test('what is not there is an error that names it, and nothing is recorded', async (t) => {
  const scratch = makeScratch(t);
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${scratch.path('nowhere')} tree; mkdir never`], { env: scratch.env });
  assert.equal(put.status, 1, put.report);
  assert.match(put.stderr, /nowhere.*no such file/i);
  assert.equal(put.stderr.trimEnd().split('\n').length, 1, put.report);
  const listed = await vtftp(['-S', scratch.path('store'), '-c', 'ls'], { env: scratch.env });
  assert.equal(listed.stdout, '', 'the script went on after its first error');
});
