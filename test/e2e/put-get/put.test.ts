import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../../support/shells/terminal.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

test('put makes NAME exactly the local tree, and again the same Dirref; names that are gone are counted, and undo brings them back', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.path('source');
  makeTree(source, { files: 120, seed: 21 });
  writeFileSync(`${source}/goes`, 'away');
  const store = ['-S', scratch.path('store')];
  const first = await vtftp([...store, '-c', `put ${source} tree; quit`], { env });
  assert.equal(first.status, 0, first.report);
  const again = await vtftp([...store, '-c', `put ${source} tree; put ${source} tree; quit`], { env });
  assert.equal(again.status, 0, again.report);
  assert.equal(recited(again), recited(first));
  assert.match(again.stdout, /^put \/tree: .* \(unchanged\); [\d.]+ s$/m, again.report);

  rmSync(`${source}/goes`);
  writeFileSync(`${source}/comes`, 'new');
  const planned = await vtftp(['-n', ...store, '-c', `put ${source} tree; put ${source} new; put --merge ${source} tree`], { env });
  assert.deepEqual(
    planned.stdout.match(/^would remove .*$/gm),
    ['would remove 1 name from /tree (put --merge keeps them)'],
    planned.report,
  );
  const counted = await vtftp(['-n', '--json', ...store, '-c', `put ${source} tree`], { env });
  assert.equal((JSON.parse(counted.stdout.split('\n')[0] ?? '') as { readonly gone: number }).gone, 1, counted.report);
  const changed = await vtftp([...store, '-c', `put ${source} tree; cat tree/comes; quit`], { env });
  assert.match(changed.stdout, /^removed 1 name from \/tree \(undo brings them back; put --merge keeps them\)$/m, changed.report);
  const get = await vtftp([...store, '-c', `get tree ${scratch.path('target')}`], { env });
  assert.equal(get.status, 0, get.report);
  assert.equal(await rsyncDifferences(source, scratch.path('target')), '');
  const undone = await vtftp([...store, '-c', 'undo; cat tree/goes'], { env });
  assert.match(undone.stdout, /away/, undone.report);
});

test('put --merge keeps what only the stored tree has', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const [one, two] = [scratch.mkdir('one'), scratch.mkdir('two')];
  for (const folder of [one, two]) mkdirSync(`${folder}/below`);
  writeFileSync(`${one}/below/only-one`, '1');
  writeFileSync(`${one}/both`, 'old');
  writeFileSync(`${two}/below/only-two`, '2');
  writeFileSync(`${two}/both`, 'new');
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${one} t; put --merge ${two} t; find t; cat t/both t/below/only-one`], {
    env,
  });
  assert.equal(put.status, 0, put.report);
  for (const name of ['t/below/only-one', 't/below/only-two', 't/both']) assert.ok(put.stdout.includes(name), put.report);
  assert.match(put.stdout, /new1/);
});

test('several, or into a Dir named with a slash, keep their own names', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  for (const name of ['a.txt', 'b.txt', 'c.log']) writeFileSync(scratch.path(name), name);
  symlinkSync('a.txt', scratch.path('link'));
  const put = await vtftp(
    [
      '-S',
      scratch.path('store'),
      '-c',
      `lcd ${scratch.folder}; mkdir d e; put *.txt d; mput a.txt c.log link e; put a.txt; put b.txt e/; put c.log .; find`,
    ],
    { env },
  );
  assert.equal(put.status, 0, put.report);
  const found = put.stdout.split('\n');
  for (const name of ['d/a.txt', 'd/b.txt', 'e/a.txt', 'e/c.log', 'e/link', 'e/b.txt', 'a.txt', 'c.log']) {
    assert.ok(
      found.some((line) => line.endsWith(`/${name}`) || line === name),
      `${name}: ${put.report}`,
    );
  }
  const into = await vtftp(['-S', scratch.path('store'), '-c', `put ${scratch.path('a.txt')} nowhere/x`], { env });
  assert.equal(into.status, 1);
  assert.match(into.stderr, /nowhere.*no such/);
});

test('the report counts new and existing Blocks, as text and as JSON, and -n only tells', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.path('source');
  makeTree(source, { files: 60, seed: 5, extras: false });
  const store = ['-S', scratch.path('store')];
  const json = (text: string): Record<string, unknown> => JSON.parse(text.split('\n')[0] ?? '') as Record<string, unknown>;
  const planned = await vtftp([...store, '-n', '--json', '-c', `put ${source} tree`], { env });
  assert.equal(planned.status, 0, planned.report);
  assert.ok(!existsSync(scratch.path('store/data')), 'a plan makes nothing');
  const done = await vtftp([...store, '--json', '-c', `put ${source} tree`], { env });
  const [plan, put] = [json(planned.stdout), json(done.stdout)];
  for (const field of ['files', 'bytes', 'new_blocks', 'new_bytes', 'existing_blocks', 'existing_bytes']) {
    assert.equal(plan[field], put[field], `${field}: ${planned.report}\n${done.report}`);
  }
  assert.equal(put['files'], 60);
  assert.equal(put['failures'], 0);
  const copy = await vtftp([...store, '--json', '-c', `put ${source} copy`], { env });
  assert.equal(json(copy.stdout)['new_blocks'], 0, copy.report);
});

test("the Store's own folder is not put into it", async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const source = scratch.mkdir('source');
  writeFileSync(`${source}/kept`, 'x');
  const store = `${source}/store`;
  assert.equal((await vtftp(['-S', store, '-c', `put ${source}/kept`], { env })).status, 0);
  const put = await vtftp(['-S', store, '-c', `put ${source} tree; ls -a tree`], { env });
  assert.equal(put.status, 0, put.report);
  assert.match(put.stderr, /store.*left out/);
  assert.match(put.stdout, /\nkept\nD\{/);
  // One that does not exist yet is made inside, while the put runs.
  const fresh = await vtftp(['-S', `${source}/z`, '-c', `put ${source} tree; ls tree`], { env });
  assert.equal(fresh.status, 0, fresh.report);
  assert.doesNotMatch(fresh.stdout, /^z$/m);
});

test('put - and put /dev/stdin store what comes on standard input, and nothing else', async (t) => {
  const { env, path, folder } = makeScratch(t);
  const content = 'from a pipe\n'.repeat(50_000);
  const store = ['-S', path('store')];
  const put = await vtftp([...store, '-c', 'put - n; put /dev/stdin again'], { env, input: content });
  assert.equal(put.status, 2, put.report);
  assert.match(put.stderr, /standard input is read already/);
  const get = await vtftp([...store, '-c', 'stat n; cat n'], { env });
  assert.match(get.stdout, /type +file\n/);
  assert.ok(get.stdout.endsWith(content), 'the content is whole');
  const named = await vtftp([...store, '-c', 'put /dev/stdin; cat stdin'], { env, input: content });
  assert.ok(named.stdout.includes(content), named.stderr);
  for (const [args, reason] of [
    [['-c', 'put -'], /NAME is missing: this input has no name of its own/],
    [['-b', '-'], /standard input is the script/],
  ] as const) {
    const refused = await vtftp([...store, ...args], { env, input: 'put - n\n' });
    assert.equal(refused.status, 2, refused.report);
    assert.match(refused.stderr, reason);
  }
  execFileSync('mkfifo', [path('fifo')]);
  symlinkSync('fifo', path('link'));
  const special = await run(
    'sh',
    ['-c', 'printf special > fifo & "$0" "$1" -S ./store -c "put --read-special link f; cat f; put fifo link .; ls -l fifo link"'].concat(
      process.execPath,
      PROGRAM,
    ),
    { env, cwd: folder },
  );
  assert.match(special.stdout, /\nspecialput (?:.|\n)*\np.* fifo\nl.* link -> fifo\n/, special.report);
});

test('put --read-special stores what a block device holds, and get gives it back; without it the node is stored', async (t) => {
  const { env, path, folder } = makeScratch(t);
  const content = Buffer.alloc(1 << 20, 'a block of a disk\n');
  writeFileSync(path('disk.img'), content);
  const attached = await run('losetup', ['--find', '--show', path('disk.img')]).catch(() => undefined);
  if (attached?.status !== 0) {
    t.skip('only root makes block devices of files, where losetup can');
    return;
  }
  const device = attached.stdout.trim();
  try {
    const put = await vtftp(['-S', './store', '-c', `put --read-special ${device} b; stat b; get b out; put ${device} node; stat node`], {
      env,
      cwd: folder,
    });
    assert.equal(put.status, 0, put.report);
    assert.match(put.stdout, /type +file\nsize +1048576 [\s\S]*type +block\n/, put.report);
    assert.equal(Buffer.compare(readFileSync(path('out')), content), 0);
  } finally {
    await run('losetup', ['--detach', device]);
  }
});

test('a file of more than 2^53-1 bytes is refused in one line that names it, alone and in a tree', async (t) => {
  const { env, folder } = makeScratch(t);
  // ext4 holds none so large, tmpfs does.
  const large = mkdtempSync(existsSync('/dev/shm') ? '/dev/shm/vtftp-test-' : `${folder}/large-`);
  t.after(() => rmSync(large, { recursive: true }));
  const made = await run('truncate', ['-s', '9007199254740993', `${large}/file`]);
  if (made.status !== 0) {
    t.skip('no filesystem here holds such a file');
    return;
  }
  const put = await vtftp(['-S', 'memory:', '-c', `put ${large} d`], { env });
  assert.equal(put.status, 3, put.report);
  assert.match(put.stderr, new RegExp(`^put: ${large}/file: it has more than 2\\^53-1 bytes`), put.report);
  for (const [source, line] of [
    ['memory:', `put ${large}/file d`],
    [large, 'inspect file'],
  ] as const) {
    const alone = await vtftp([...(source === 'memory:' ? ['-S', source] : [source]), '-c', line], { env });
    assert.equal(alone.status, 1, alone.report);
    assert.match(
      alone.stderr,
      new RegExp(`^${line.split(' ')[0]}: ${large}/file: it has more than 2\\^53-1 bytes[^\\n]*\\n$`),
      alone.report,
    );
  }
  const listed = await vtftp([large, '-c', 'ls -l; stat file; du; find; cat file | head -c 3 | wc -c'], { env });
  assert.equal(listed.status, 0, listed.report);
  assert.equal(listed.stderr, '');
});

test('put of one large file shows how far it is, and its report stands on a line of its own', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  execFileSync('truncate', ['-s', '8T', scratch.path('large')]);
  const terminal = new Terminal(t, scratch, ['-S', 'memory:']);
  await terminal.shows(/vtftp:\/>/);
  terminal.type(`put ${scratch.path('large')} l`);
  terminal.keys('Enter');
  await terminal.shows(/^put \/l: 1 file, 8\.0T;/m);
  const progress = await vtftp(['-S', 'memory:', '--progress=json', '-c', `put ${scratch.path('large')} l`], { env: scratch.env });
  const states = progress.stderr.split('\n').filter((line) => line.startsWith('{'));
  const last = JSON.parse(states.at(-1) ?? '{}') as { readonly progress?: { readonly done_bytes?: number; readonly total_bytes?: number } };
  assert.equal(last.progress?.total_bytes, 8 * 2 ** 40, progress.report);
  const got = await vtftp(['-S', 'memory:', '--progress=json', '-c', `put - f; get f ${scratch.path('got')}`], {
    env: scratch.env,
    input: Buffer.alloc(5_000_000, 1),
  });
  assert.match(got.stderr, /"label":"get".*"total_bytes":5000000/, got.report);
});
