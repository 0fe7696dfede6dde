import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestMount } from '../../support/mounts/mounted.ts';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { PROGRAM, run } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

const LOCKS = join(PROJECT_ROOT, 'test/support/mounts/locks.py');
const STEPS = Number(process.env['VTFTP_LOCK_STEPS'] ?? 200);
const SEEDS = (process.env['VTFTP_LOCK_SEEDS'] ?? '4,5').split(',');

/** Mounts the tree of a mount at one place more. */
async function beside(mount: TestMount, scratch: Scratch, name: string, options = ''): Promise<string> {
  const path = scratch.path(name);
  const env = { ...process.env, ...mount.env };
  scratch.beforeRemoval(() => void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${path}`], { env }));
  const made = await mount.vtftp('-c', `mount ${options} ${mount.path} ${path}`);
  assert.equal(made.status, 0, made.report);
  return path;
}

describe('locks through several mounts of one live tree', { skip: noMountsHere() ?? false }, () => {
  it('are granted, refused, waited for, interrupted and released as in a local folder', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const folders = [mount.path, await beside(mount, scratch, 'second'), await beside(mount, scratch, 'third')];
    const local = scratch.mkdir('local');
    for (const name of ['f0', 'f1', 'f2']) writeFileSync(join(local, name), '');
    assert.equal((await mount.sh('touch f0 f1 f2')).status, 0);
    for (const seed of SEEDS) {
      const done = await run('python3', [LOCKS, seed, String(STEPS), ...folders, '--', local]);
      assert.equal(done.status, 0, done.report);
      t.diagnostic(`seed ${seed}: ${done.stdout.trim()}`);
    }
  });

  it('a mount that only reads takes part where another writes', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const reading = await beside(mount, scratch, 'reading', '-o ro');
    const script = [
      'import errno, fcntl, os, sys',
      "writer, reader = os.open(sys.argv[1] + '/f', os.O_RDWR | os.O_CREAT), os.open(sys.argv[2] + '/f', os.O_RDONLY)",
      'fcntl.flock(reader, fcntl.LOCK_SH)',
      'try: fcntl.flock(writer, fcntl.LOCK_EX | fcntl.LOCK_NB)',
      'except OSError as error: assert error.errno == errno.EAGAIN, error',
      "else: raise SystemExit('granted')",
      'os.close(reader); fcntl.flock(writer, fcntl.LOCK_EX | fcntl.LOCK_NB)',
    ].join('\n');
    const done = await run('python3', ['-c', script, mount.path, reading]);
    assert.equal(done.status, 0, done.report);
  });

  it('SQLite keeps every row that it has committed; its WAL, which needs shared memory, is refused', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const second = await beside(mount, scratch, 'second');
    const script = [
      'import sqlite3, subprocess, sys',
      'if len(sys.argv) == 2:',
      "    db = sqlite3.connect(sys.argv[1] + '/db', timeout=100, isolation_level=None)",
      "    for i in range(15): db.execute('update n set count = count + 1')",
      '    sys.exit()',
      "db = sqlite3.connect(sys.argv[1] + '/db', isolation_level=None)",
      "db.execute('create table n(count)'); db.execute('insert into n values(0)'); db.close()",
      'writers = [subprocess.Popen([sys.executable, "-c", sys.argv[3], folder]) for folder in sys.argv[1:3] * 2]',
      'assert [writer.wait() for writer in writers] == [0] * 4',
      "db = sqlite3.connect(sys.argv[2] + '/db', isolation_level=None)",
      "assert db.execute('select count from n').fetchone() == (60,)",
      "assert db.execute('pragma integrity_check').fetchone() == ('ok',)",
      "db.execute('pragma journal_mode = wal')",
      "try: db.execute('update n set count = 0')",
      "except sqlite3.OperationalError as error: assert 'disk I/O error' in str(error), error",
      "else: raise SystemExit('WAL is not refused')",
      "db.close(); db = sqlite3.connect(sys.argv[2] + '/db', isolation_level=None)",
      "db.execute('pragma locking_mode = exclusive'); db.execute('update n set count = count + 1')",
      "assert db.execute('select count from n').fetchone() == (61,)",
    ].join('\n');
    const done = await run('python3', ['-c', script, mount.path, second, script]);
    assert.equal(done.status, 0, done.report);
  });

  it('git and make work through two mounts as through one', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const second = await beside(mount, scratch, 'second');
    const script = [
      'export GIT_CONFIG_NOSYSTEM=1 HOME="$A" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b',
      'git init -q "$A/repo"',
      // Each commits on a branch of its own, in a work tree of its own, into the same repository.
      'cd "$A/repo"; git commit -q --allow-empty -m start; git worktree add -q -b two "$A/two"',
      'commits() { cd "$1"; for i in 1 2 3 4 5 6 7 8; do echo "$1 $i" >> file; git add file; git commit -q -m "$i"; done; }',
      '(commits "$A/repo") & one=$!; (commits "$B/two") & two=$!; wait $one; wait $two',
      'cd "$B/repo"; git merge -q -X ours -m merge two; git fsck --strict; test "$(git rev-list --count HEAD)" = 18',
      'mkdir "$A/made"; cd "$A/made"; printf "all: a b c d\\na b c d:\\n\\tcat \\$(IN) > \\$@\\n" > Makefile; echo in > in',
      'make -s -j2 -C "$A/made" IN="$B/made/in" a b & make -s -j2 -C "$B/made" IN="$A/made/in" c d; wait $!',
      'make -q -C "$A/made" && make -q -C "$B/made"; cat "$B/made/a" "$A/made/d"',
    ].join('\n');
    const done = await run('sh', ['-ec', script], { env: { A: mount.path, B: second } });
    assert.equal(done.status, 0, done.report);
    assert.match(done.stdout, /in\nin\n$/);
  });
});
