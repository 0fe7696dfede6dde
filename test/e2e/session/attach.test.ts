import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, it, test } from 'node:test';
import { controlOf, mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeScratch } from '../../support/scratch.ts';

describe('a shell that is attached to a running mount', { skip: noMountsHere() ?? false }, () => {
  it('what programs write it sees, and what it changes they see, at once', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.sh('mkdir d && printf one > d/f && ls -l d > /dev/null && cat d/f > /dev/null; cat d/none; true')).status, 0);
    const shell = await mount.vtftp(
      mount.path,
      '-c',
      'cat d/f; mkdir e; mv d/f e/g; ln -s e/g s; ln e/g d/none; chmod 750 d; cp e copy; touch new',
    );
    assert.equal(shell.status, 0, shell.report);
    assert.match(shell.stdout, /^oneD\{/);
    const seen = await mount.sh('ls -F . d e copy; cat d/none s; stat -c "%a %h" d e/g');
    assert.equal(seen.stdout, '.:\ncopy/\nd/\ne/\nnew\ns@\n\ncopy:\ng\n\nd:\nnone\n\ne:\ng\noneone750 2\n644 2\n', seen.report);
    assert.equal((await mount.sh('printf more >> e/g; rm -r copy d; mkdir made')).status, 0);
    const again = await mount.vtftp(mount.path, '-c', 'ls; cat e/g');
    // Nothing was changed here: nothing is recited.
    assert.equal(again.stdout, 'e\nmade\nnew\ns\nonemore', again.report);
  });

  it('quit syncs the tree and recites it, and the mount goes on', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    // Held open by a program meanwhile.
    const held = await mount.sh('exec 3> held; printf first >&3; mkdir by-program; sleep 0; cat held');
    assert.equal(held.stdout, 'first', held.report);
    const dirref = recited(await mount.vtftp(mount.path, '-c', 'quit'));
    const back = await vtftp(['-S', scratch.path('store'), dirref, '-c', 'ls; cat held'], { env: scratch.env });
    assert.equal(back.stdout, 'by-program\nheld\nfirst', back.report);
    assert.equal((await mount.sh('echo still > here && cat here')).stdout, 'still\n');
    const log = await mount.vtftp(mount.path, '--json', '-c', 'log');
    assert.equal((JSON.parse(log.stdout.split('\n')[0] ?? '') as { readonly reference: string }).reference, dirref);
  });

  it('put and get are about the files of whoever is attached, as are pipes and redirections', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    scratch.mkdir('local/deep');
    writeFileSync(scratch.path('local/deep/file'), 'content\n');
    writeFileSync(scratch.path('local/large'), Buffer.alloc(3_000_000, 'some octets '));
    const lines = `put '${scratch.path('local')}'; ls local | sort -r; cat local/deep/file > '${scratch.path('redirected')}'; lpwd; !pwd`;
    const put = await mount.vtftp(mount.path, '-c', lines);
    assert.equal(put.status, 0, put.report);
    assert.match(put.stdout, new RegExp(`large\\ndeep\\n${scratch.folder}\\n${scratch.folder}\\n`));
    assert.equal(readFileSync(scratch.path('redirected'), 'utf8'), 'content\n');
    assert.equal((await run('diff', ['-r', scratch.path('local'), `${mount.path}/local`])).status, 0);
    assert.equal((await mount.sh('echo unsynced > local/deep/new')).status, 0);
    const got = await mount.vtftp(mount.path, '-c', `get local '${scratch.path('got')}'`);
    assert.equal(got.status, 0, got.report);
    assert.equal(readFileSync(scratch.path('got/deep/new'), 'utf8'), 'unsynced\n');
    assert.equal((await run('diff', ['-r', scratch.path('got'), `${mount.path}/local`])).status, 0);
  });

  it('a Store that only the mount can open is reached through it', async (t) => {
    const scratch = makeScratch(t);
    const store = `proxy(save=datadir:${scratch.path('under')})`;
    const mount = await mounted(t, scratch, '', store);
    writeFileSync(scratch.path('large'), Buffer.from(Array.from({ length: 2_000_000 }, (_, i) => (i * i) % 251)));
    const put = await mount.vtftp(mount.path, '-c', `put '${scratch.path('large')}'; get large '${scratch.path('back')}'`);
    assert.equal(put.status, 0, put.report);
    for (const path of [`${mount.path}/large`, scratch.path('back')])
      assert.equal((await run('cmp', [scratch.path('large'), path])).status, 0, path);
  });

  it('a live mount opens by its mount point, by its socket, from elsewhere, and within a session', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.sh('mkdir inside; ln -s . self')).status, 0);
    const byPoint = await mount.vtftp(`${mount.path}/`, '-c', 'ls');
    assert.equal(byPoint.stdout, 'inside\nself\n', byPoint.report);
    const bySocket = await mount.vtftp(await controlOf(mount), '-c', 'ls');
    assert.equal(bySocket.stdout, 'inside\nself\n', bySocket.report);
    // Another runtime folder: the mount itself names its socket.
    const elsewhere = await vtftp([mount.path, '-c', 'ls'], { env: { ...scratch.env, XDG_RUNTIME_DIR: scratch.mkdir('other') } });
    assert.equal(elsewhere.stdout, 'inside\nself\n', elsewhere.report);
    const within = await mount.vtftp('-c', `open '${mount.path}'; mkdir two; open default; pwd`);
    assert.equal(within.status, 0, within.report);
    assert.equal((await mount.sh('ls')).stdout, 'inside\nself\ntwo\n');
  });

  it('what an attached shell does to one name of a file is seen at its other names, in every mount', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const other = scratch.path('other');
    assert.equal((await mount.vtftp('-c', `mount '${mount.path}' '${other}'`)).status, 0);
    const seen = async (): Promise<string> => (await run('sh', ['-c', 'stat -c "%a %h" c && cat c'], { cwd: other })).stdout;
    assert.equal((await mount.sh('mkdir d; printf one > c; ln c d/a; ln c d/b; ln c e')).status, 0);
    assert.equal(await seen(), '644 4\none');
    // From here on the names stand in Blocks.
    assert.equal((await mount.vtftp(mount.path, '-c', 'sync; chmod 600 d/a')).status, 0);
    assert.equal(await seen(), '600 4\none');
    assert.equal((await mount.vtftp(mount.path, '-c', 'rm e')).status, 0);
    assert.equal(await seen(), '600 3\none');
    assert.equal((await mount.vtftp(mount.path, '-c', 'rm -r d')).status, 0);
    assert.equal(await seen(), '600 1\none');
    assert.equal((await mount.vtftp('-c', `umount '${other}'`)).status, 0);
  });

  it('log, undo and past states go back on the live tree, and -n changes nothing', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.vtftp(mount.path, '-c', 'mkdir first; quit')).status, 0);
    assert.equal((await mount.sh('echo x > first/f; exec 3< first/f; rm -r first; mkdir second; cat <&3')).stdout, 'x\n');
    const past = await mount.vtftp(mount.path, '-c', 'sync; cd @1; ls; cd @; ls');
    assert.match(past.stdout, /^D\{.*\nfirst\nsecond\n/, past.report);
    const planned = await mount.vtftp('-n', mount.path, '-c', 'rm -r second; ls');
    assert.equal(planned.status, 0, planned.report);
    assert.doesNotMatch(planned.stdout, /^second$/m);
    assert.equal((await mount.sh('ls')).stdout, 'second\n');
    const undone = await mount.vtftp(mount.path, '-c', 'undo');
    assert.equal(undone.status, 0, undone.report);
    assert.equal((await mount.sh('ls')).stdout, 'first\n');
  });

  it('what programs wrote and an attached shell removes before any sync comes back by undo, and undo says what it records first', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.vtftp(mount.path, '-c', 'mkdir first; quit')).status, 0);
    await mount.sh('mkdir docs; echo only copy > docs/f; echo another > g');
    scratch.mkdir('other');
    const removed = await mount.vtftp(mount.path, '-c', `rm g; put ${scratch.path('other')} docs; rm -r docs`);
    assert.equal(removed.status, 0, removed.report);
    const back = await mount.vtftp(mount.path, '-c', 'undo; cat docs/f; cat g');
    assert.match(back.stdout, /^undone: .* \(@2\)\nonly copy\nanother\n/, back.report);
    // What was written meanwhile is a state of its own; an undo by hand is told from an undo in each session.
    await mount.sh('echo later > late; rm g');
    const undone = await mount.vtftp(mount.path, '-c', 'undo; redo; cat late');
    assert.match(
      undone.stdout,
      /^recorded what changed as @(\d+) first \(undo @\1 goes there\)\nundone: .*\nredone: .*\nlater\n/,
      undone.report,
    );
    await mount.sh('rm -r docs late');
    assert.match((await mount.vtftp(mount.path, '-c', 'sync; undo; cat late')).stdout, /^later$/m);
  });

  it('programs drive an attached shell by lines of JSON', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    const shell = await mount.vtftpWith('mkdir d\nls\nset onerror continue\nls none\nquit\n', '--json', mount.path);
    const records = shell.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    assert.deepEqual(
      records.filter(({ done }) => done === true).map(({ status }) => status),
      [0, 0, 0, 1, 0],
    );
    assert.ok(records.some(({ path }) => path === '/d'));
    assert.match(String(records.at(-1)?.['dirref']), /^D\{/);
  });

  it('one line and status 10 where the mount goes away, or is not served any more', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const socket = await controlOf(mount);
    const left = await mount.vtftp(
      mount.path,
      '-c',
      `mkdir d; !'${process.execPath}' '${PROGRAM}' -c 'umount ${mount.path}' > /dev/null\nls`,
    );
    assert.equal(left.status, 10, left.report);
    assert.equal(left.stderr, `ls: ${mount.path}: this mount has ended\n`);
    const none = await mount.vtftp(socket, '-c', 'ls');
    assert.equal(none.status, 10, none.report);
    assert.equal(none.stderr.trimEnd().split('\n').length, 1);
  });

  it('says that the mount goes away when it does, where no command is under way', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    const shell = spawn(process.execPath, [PROGRAM, mount.path], { env: { ...process.env, ...mount.env }, stdio: 'pipe' });
    t.after(() => shell.kill());
    const said = (stream: Readable): Promise<string> => once(stream.setEncoding('utf8'), 'data').then(([text]) => String(text));
    const error = said(shell.stderr);
    const output = said(shell.stdout);
    shell.stdin.write('mkdir d\npwd\n');
    assert.equal(await output, '/\n');
    assert.equal((await mount.unmount()).status, 0);
    assert.equal(await error, `vtftp: ${mount.path}: this mount has ended\n`);
    shell.stdin.end();
    const [status] = (await once(shell, 'exit')) as [number];
    assert.equal(status, 10);
  });

  it('says so where the process of a mount was killed', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const listed = await mount.vtftp('--json', '-c', 'mounts');
    const { pid } = listed.stdout
      .split('\n')
      .filter((line) => line.includes(mount.path))
      .map((line) => JSON.parse(line) as { readonly pid: number })[0] ?? { pid: 0 };
    assert.ok(pid > 1);
    process.kill(pid, 'SIGKILL');
    // The kernel tells when it is gone: then the mount answers no more.
    while (
      existsSync(`/proc/${pid}/fd`) &&
      readdirSync(`/proc/${pid}`).includes('fd') &&
      !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
    )
      await new Promise((resolve) => setImmediate(resolve));
    const dead = await mount.vtftp(mount.path, '-c', 'ls');
    assert.equal(dead.status, 10, dead.report);
    assert.match(dead.stderr, /^vtftp: cannot attach to \S+: its process has died \(umount -l .*\)\n$/);
    assert.equal((await mount.unmount('-l')).status, 0);
  });
});

test('the recipe of an attached shell in docs/mounts.md', { skip: noMountsHere() ?? false }, async (t) => {
  const scratch = makeScratch(t);
  const text = readFileSync(join(PROJECT_ROOT, 'docs/mounts.md'), 'utf8');
  const commands = /<!-- command: attach -->\n```sh\n([\s\S]*?)```/.exec(text)?.[1];
  assert.ok(commands !== undefined);
  mkdirSync(scratch.mkdir('files/letters'), { recursive: true });
  writeFileSync(scratch.path('files/letters/first.txt'), 'Dear reader\n');
  writeFileSync(join(scratch.mkdir('bin'), 'vtftp'), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`, { mode: 0o755 });
  const env = { ...scratch.env, PATH: `${scratch.path('bin')}:${process.env['PATH'] ?? ''}` };
  const all = await run('sh', ['-exc', `vtftp -c 'put files docs'\n${commands}`], { env, cwd: scratch.folder });
  assert.equal(all.status, 0, all.report);
  assert.match(all.stdout, /^draft\.txt\nfirst\.txt$/m);
  const left = await vtftp(['-c', 'ls . before; cat before/docs-kept/letters/draft.txt'], { env });
  assert.match(left.stdout, /before\n.*docs\n.*docs-kept\n[\s\S]*Dear friend\n$/, left.report);
});

describe('the control attributes of a mount', { skip: noMountsHere() ?? false }, () => {
  it('setfattr binds a name to a reference, to Blocks or a Dir, and tells what went wrong', async (t) => {
    const mount = await mounted(t, makeScratch(t));
    assert.equal((await mount.sh('mkdir d; printf content > d/f')).status, 0);
    const dirref = recited(await mount.vtftp(mount.path, '-c', 'quit'));
    const set = async (value: string, path = '.') => await mount.sh(`setfattr -n user.x-vt-control -v '${value}' ${path}`);
    const told = async (): Promise<string> => (await mount.sh('getfattr --only-values -n user.x-vt-control .')).stdout;
    assert.equal((await mount.sh('getfattr --only-values -n user.x-vt-control .')).status, 1);
    const blockref = (await mount.sh('getfattr --only-values -n user.x-vt-blockref d/f')).stdout;
    assert.equal((await set(`bind d/again ${blockref}`)).status, 0);
    assert.equal(await told(), 'done');
    assert.equal((await set(`bind whole ${dirref}`)).status, 0);
    assert.equal((await mount.sh('cat d/again whole/d/f; ls whole/d')).stdout, 'contentcontentf\n');
    const failures = [
      [`bind none/x ${blockref}`, /No such file/, /^bind: \/none\/x: no such file or directory/],
      ['bind x B{broken', /Invalid argument/, /expected/],
      ['bind x', /Invalid argument/, /bind/],
      ['bind x B{hash:H{sha3-256:'.concat('0'.repeat(64), '},span:5}'), /No such file/, /not in Store/],
      ['put /etc/passwd', /not permitted/, /^put: not allowed over the control channel/],
      ['diff file:/etc/hostname d/f', /not permitted/, /^diff: file:\/etc\/hostname: not allowed over the control channel/],
      ['cmp memory: d', /not permitted/, /^cmp: memory:: not allowed over the control channel/],
      ['join memory: x', /not permitted/, /^join: memory:: not allowed over the control channel/],
      ['cd @1', /not permitted/, /^cd: @1: not allowed over the control channel/],
      ['!touch /tmp/x', /not permitted|Invalid/, /./],
      ['cat d/f > x', /not permitted/, /redirect/],
    ] as const;
    for (const [line, says, tells] of failures) {
      const failed = await set(line);
      assert.notEqual(failed.status, 0, line);
      assert.match(failed.stderr, says, line);
      assert.match(await told(), tells, line);
    }
    assert.match((await set('ls', 'd')).stderr, /not permitted/);
    // Neither is listed, nor kept.
    assert.equal((await mount.sh('getfattr -d .')).stdout, '');
    assert.equal((await mount.sh('getfattr --only-values -n user.x-vt-socket .')).stdout, await controlOf(mount));
  });

  it('only the owner of the mount may', { skip: process.getuid?.() === 0 ? false : 'takes two users' }, async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch, '-o allow_other');
    assert.equal((await mount.sh('chmod 777 .')).status, 0);
    const other = await run('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      'setfattr',
      '-n',
      'user.x-vt-control',
      '-v',
      'mkdir theirs',
      mount.path,
    ]);
    assert.match(other.stderr, /not permitted/);
    assert.equal((await mount.sh('ls')).stdout, '');
  });
});
