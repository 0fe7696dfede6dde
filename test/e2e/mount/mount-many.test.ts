import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { TestMount } from '../../support/mounts/mounted.ts';
import { mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import { PROGRAM, run } from '../../support/program.ts';
import type { Random } from '../../support/random.ts';
import { makeRandom } from '../../support/random.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Random commands between two comparisons, and comparisons of a seed. */
const COMMANDS = 40;
const ROUNDS = Number(process.env['VTFTP_MOUNT_ROUNDS'] ?? 6);

/** Mounts the tree of a mount at one place more, until the end of the test. */
async function beside(mount: TestMount, scratch: Scratch, name: string, words: string): Promise<string> {
  const path = scratch.path(name);
  // The last one waits for the process that serves them, which writes to the Store at its end.
  const env = { ...process.env, ...scratch.env, XDG_RUNTIME_DIR: scratch.path('runtime') };
  scratch.beforeRemoval(() => void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${path}`], { env }));
  const made = await mount.vtftp('-c', `mount ${words.replace('HERE', path)}`);
  assert.equal(made.status, 0, made.report);
  return path;
}

/** A file or folder: of the folder that one of the mounts has at its top, those below only. */
function place(random: Random): string {
  const folder = ['', 'd0/', 'd0/', 'd0/d1/', 'd2/'][random.below(5)] ?? '';
  return `${folder}${random.below(3) === 0 ? `d${1 + random.below(2)}` : `f${random.below(4)}`}`;
}

/** A line that acts on one of the mounts $A, $B (all of the tree) and $C (its d0). */
function command(random: Random, i: number): string {
  const at = (): string => {
    const path = place(random);
    if (path.startsWith('d0/') && random.chance(50)) return `"$C"/${path.slice(3)}`;
    return random.chance(50) ? `"$A"/${path}` : `"$B"/${path}`;
  };
  const sameMount = (): string => {
    const top = random.chance(50) ? '"$A"' : '"$B"';
    return `${top}/${place(random)} ${top}/${place(random)}`;
  };
  const below = (): string => `"$C"/f${random.below(4)} "$C"/${random.chance(50) ? 'd1/' : ''}f${random.below(4)}`;
  const kinds: readonly (() => string)[] = [
    () => `printf 'text %s' ${i} > ${at()}`,
    () => `printf 'more %s' ${i} >> ${at()}`,
    () => `head -c ${random.below(9000)} /dev/zero | tr '\\0' '${'abcdef'[random.below(6)]}' > ${at()}`,
    () => `printf '%s' ${i} | dd of=${at()} bs=1 seek=${random.below(6000)} conv=notrunc`,
    () => `truncate -s ${random.below(8000)} ${at()}`,
    () => `rm -f ${at()}`,
    () => `mkdir ${at()}`,
    () => `rmdir ${at()}`,
    () => `mv -T ${sameMount()}`,
    () => `mv -T ${below()}`,
    () => `ln -T ${sameMount()}`,
    () => `ln -sfn target${i} ${at()}`,
    () => `chmod ${random.chance(50) ? '640' : '755'} ${at()}`,
    () => `cat ${at()}`,
    () => `cat ${at()}`,
    () => `(cd ${at()} && ls)`,
    () => `stat -c '%s %a %h %F' ${at()}`,
  ];
  return kinds[random.below(kinds.length)]?.() ?? '';
}

/** Names, types, permissions, links, sizes and contents of all that is in a folder. */
const LISTING =
  "{ find . -mindepth 1 -printf '%p %y %m %l\\n'; find . -type f -printf '%p %n %s\\n'; find . -type f -exec sha256sum {} +; } | LC_ALL=C sort";

describe('several mounts of one live tree', { skip: noMountsHere() ?? false }, () => {
  for (const seed of [1, 2]) {
    it(`show the same at every sync, whichever is changed, seed ${seed}`, async (t) => {
      const scratch = makeScratch(t);
      const mount = await mounted(t, scratch);
      assert.equal((await mount.sh('mkdir d0')).status, 0);
      const second = await beside(mount, scratch, 'second', `-o nowriteback ${mount.path} HERE`);
      const third = await beside(mount, scratch, 'third', `${mount.path} HERE d0`);
      const oracle = scratch.mkdir('oracle');
      scratch.mkdir('oracle/d0');
      const random = makeRandom(seed);
      for (let round = 0; round < ROUNDS; round++) {
        const script = Array.from({ length: COMMANDS }, (_, i) => `${command(random, i)} 2> /dev/null; echo "[${i}: $?]"`).join('\n');
        const [ours, theirs] = await Promise.all([
          run('sh', ['-c', script], { env: { A: mount.path, B: second, C: third } }),
          run('sh', ['-c', script], { env: { A: oracle, B: oracle, C: `${oracle}/d0` } }),
        ]);
        assert.equal(ours.stdout, theirs.stdout, script);
        // A sync, through one of the mounts.
        assert.equal((await run('sh', ['-c', `touch d0 && ${RECORD}`], { cwd: random.chance(50) ? mount.path : second })).status, 0);
        const wanted = await run('sh', ['-c', LISTING], { cwd: oracle });
        for (const path of [mount.path, second]) {
          assert.equal((await run('sh', ['-c', LISTING], { cwd: path })).stdout, wanted.stdout, `round ${round}, ${path}\n${script}`);
        }
        const wantedBelow = await run('sh', ['-c', LISTING], { cwd: `${oracle}/d0` });
        assert.equal((await run('sh', ['-c', LISTING], { cwd: third })).stdout, wantedBelow.stdout, `round ${round}, below\n${script}`);
      }
    });
  }

  it('each has a top and options of its own, and the process goes on until the last is taken away', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.sh('mkdir -p a/b && printf one > a/b/f')).status, 0);
    const readOnly = await beside(mount, scratch, 'ro', `-o ro,volname=Reading ${mount.path} HERE a/b`);
    const other = await beside(mount, scratch, 'other', `${mount.path} HERE`);
    assert.equal((await run('sh', ['-c', 'cat f; echo x > f'], { cwd: readOnly })).stdout, 'one');
    // A file that is open elsewhere: its new size and octets are seen through what is open.
    const seen = await run('sh', [
      '-c',
      `exec 5< "${readOnly}/f"; cat <&5; printf ' and two' >> "${other}/a/b/f"; cat <&5; stat -c %s "${readOnly}/f"`,
    ]);
    assert.equal(seen.stdout, 'one and two11\n', seen.report);
    assert.match((await mount.vtftp('-c', 'mounts')).stdout, /ro {2}ro {2}vtftp:Reading {2}pid/);
    assert.equal(
      (await mount.vtftp(readOnly, '-c', 'pwd; ls')).stdout.split('\n').slice(0, 2).join(' '),
      '/a/b f',
      'a shell starts at its top',
    );
    const missing = await mount.vtftp('-c', `mount ${mount.path} ${scratch.path('none')} a/none`);
    assert.equal(missing.status, 1, missing.report);
    assert.ok(!existsSync(scratch.path('none')));
    const first = await mount.unmount();
    assert.equal(first.status, 0, first.report);
    assert.match(first.stdout, /^D\{/);
    assert.equal((await run('sh', ['-c', 'echo later > a/later; cat a/b/f'], { cwd: other })).stdout, 'one and two');
    assert.equal(statSync(scratch.path('ro')).isDirectory(), true);
    const goOn = await mount.vtftp('-c', `umount ${readOnly}; umount ${other}`);
    assert.equal(goOn.status, 0, goOn.report);
    assert.ok(!existsSync(readOnly) && !existsSync(other), 'mount points that were made are removed');
    assert.match((await mount.vtftp('-c', 'ls a; cat a/later')).stdout, /b\nlater\nlater\n/);
  });

  it('an open file that a shell removes or replaces has no name any more, whoever asks', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const below = await beside(mount, scratch, 'below', `${mount.path} HERE`);
    assert.equal((await mount.sh('echo removed > removed; echo replaced > replaced')).status, 0);
    const script = [
      'import os, subprocess, sys',
      'first, second, *shell = sys.argv[1:]',
      'fds = [os.open(f"{top}/{name}", os.O_RDONLY) for top in (first, second) for name in ("removed", "replaced")]',
      'assert [os.fstat(fd).st_nlink for fd in fds] == [1] * 4',
      'subprocess.run([*shell, "-c", "rm /removed; put replacing /replaced"], check=True, stdout=subprocess.DEVNULL)',
      'assert [os.fstat(fd).st_nlink for fd in fds] == [0] * 4, [os.fstat(fd).st_nlink for fd in fds]',
    ].join('\n');
    writeFileSync(scratch.path('replacing'), 'replacing');
    const shell = [process.execPath, PROGRAM, mount.path];
    const done = await run('python3', ['-c', script, mount.path, below, ...shell], { env: mount.env, cwd: scratch.folder });
    assert.equal(done.status, 0, done.report);
  });

  it('what is appended through several mounts at once is all there', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const [second, third] = [
      await beside(mount, scratch, 'second', `${mount.path} HERE`),
      await beside(mount, scratch, 'third', `${mount.path} HERE`),
    ];
    const script = [
      'import os, sys, threading',
      'def append(path, letter):',
      '    for _ in range(60):',
      '        fd = os.open(path, os.O_WRONLY | os.O_APPEND); assert os.write(fd, letter * 9 + b"\\n") == 10; os.close(fd)',
      'paths = sys.argv[1:]; open(paths[0], "wb").close()',
      'threads = [threading.Thread(target=append, args=(paths[i % 2], bytes([97 + i]))) for i in range(4)]',
      '[thread.start() for thread in threads]; [thread.join() for thread in threads]',
      'for path in paths: assert sorted(open(path, "rb").read().split()) == sorted(bytes([97 + i]) * 9 for i in range(4) for _ in range(60)), path',
    ].join('\n');
    const done = await run('python3', ['-c', script, `${second}/log`, `${third}/log`]);
    assert.equal(done.status, 0, done.report);
  });

  it('sizes that change through one mount are seen in the others by every name of a file', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    const second = await beside(mount, scratch, 'second', `${mount.path} HERE`);
    const steps = [
      // Known by a name from when it was the only one, linked through another mount.
      'printf 1 > a; cat a > /dev/null; ln "$B/a" "$B/b"; cat b; printf 2 >> "$B/a"; stat -c "%n %s" a b',
      // Linked here.
      'printf 1 > c; ln c d; printf 23 >> "$B/d"; stat -c "%n %s" c d',
      // Renamed here, and by a shell, with all names known.
      'mv c e; mv d f; printf 4 >> "$B/e"; stat -c "%n %s" e f; mkdir g; "$NODE" "$VTFTP" . -c "mv f g/h" > /dev/null; cat g/h; printf 5 >> "$B/e"; stat -c "%n %s" e g/h',
      // Of the names one is left.
      'rm e; printf 6 >> "$B/g/h"; stat -c "%n %s" g/h; cat g/h',
      // Linked by a shell.
      'printf 1 > i; cat i > /dev/null; "$NODE" "$VTFTP" . -c "ln i j" > /dev/null; cat j; printf 2 >> "$B/j"; stat -c "%n %s" i j',
    ];
    const env = { ...mount.env, B: second, NODE: process.execPath, VTFTP: PROGRAM };
    const outputs: string[] = [];
    for (const step of steps) {
      const { status, stdout, report } = await run('sh', ['-ec', step], { cwd: mount.path, env });
      assert.equal(status, 0, report);
      outputs.push(stdout);
    }
    assert.deepEqual(outputs, ['1a 2\nb 2\n', 'c 3\nd 3\n', 'e 4\nf 4\n1234e 5\ng/h 5\n', 'g/h 6\n123456', '1i 2\nj 2\n']);
  });

  it('an append-only mount loses nothing, whatever programs do', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch, '-o append-only');
    const script = [
      'import os, errno, mmap',
      'def refused(work):',
      '    try: work()',
      '    except OSError as error: assert error.errno == errno.EPERM, error',
      "    else: raise SystemExit('not refused')",
      "os.mkdir('d'); f = os.open('d/f', os.O_RDWR | os.O_CREAT); assert os.write(f, b'one') == 3",
      "os.symlink('x', 'd/s'); os.link('d/f', 'd/g'); os.setxattr('d/f', 'user.a', b'1'); os.chmod('d/f', 0o600); os.utime('d/f', (1, 2))",
      "assert os.pwrite(f, b' two', 3) == 4; a = os.open('d/g', os.O_WRONLY | os.O_APPEND); assert os.write(a, b' three') == 6",
      'os.ftruncate(f, 20); os.truncate("d/f", 20)',
      'for work in [',
      "    lambda: os.pwrite(f, b'O', 0), lambda: os.pwrite(f, b'xx', 12), lambda: os.ftruncate(f, 5), lambda: os.open('d/f', os.O_WRONLY | os.O_TRUNC),",
      "    lambda: os.unlink('d/f'), lambda: os.unlink('d/s'), lambda: os.rename('d/f', 'd/h'), lambda: os.rename('d', 'e'), lambda: os.rmdir('d'),",
      "    lambda: os.replace('d/s', 'd/f'), lambda: os.removexattr('d/f', 'user.a'), lambda: os.setxattr('d/f', 'user.a', b'2'),",
      ']: refused(work)',
      'm = mmap.mmap(f, 20); m[0:3] = b"BAD"',
      'try: m.flush()',
      'except OSError: pass',
    ].join('\n');
    const done = await run('python3', ['-c', script], { cwd: mount.path });
    assert.equal(done.status, 0, done.report);
    // What was refused does not stay in the kernel's pages either; it is told of that after its answer.
    const forgotten = await mount.sh('until head -c 7 d/f | grep -q "^one two"; do :; done');
    assert.equal(forgotten.status, 0, forgotten.report);
    assert.equal(
      (await run('sh', ['-c', 'rm -rf d; fallocate -p -o 0 -l 4096 d/f; cp d/f d/copy; echo more >> d/copy'], { cwd: mount.path })).status,
      0,
    );
    const ended = await mount.unmount();
    assert.equal(ended.status, 0, ended.report);
    const listed = await mount.vtftp('-c', 'ls d; cat d/f');
    assert.equal(listed.stdout, `copy\nf\ng\ns\none two three${'\0'.repeat(7)}`);
  });

  it('every recorded state is a Dir named by its date, and new ones appear', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.sh(`printf one > f && ${RECORD} && printf two > f && ${RECORD}`)).status, 0);
    const all = scratch.path('all');
    const made = await mount.vtftp('-c', `mount -o all ${all}`);
    assert.equal(made.status, 0, made.report);
    const listed = await run('sh', ['-c', 'ls; cat */f; touch x; touch */x'], { cwd: all });
    const dates = listed.stdout.split('\n').filter((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(line));
    assert.ok(dates.length >= 2, listed.report);
    assert.deepEqual(dates, [...dates].sort());
    assert.match(listed.stdout, /onetwo/);
    assert.match(listed.stderr, /Read-only file system/);
    assert.equal((await mount.sh(`printf three > g && ${RECORD}`)).status, 0);
    const awaited = await run('sh', ['-c', 'until cat */g 2> /dev/null; do sleep 0.1; done'], { cwd: all });
    assert.equal(awaited.stdout, 'three');
    const ended = await mount.vtftp('-c', `umount ${all}`);
    assert.equal(ended.status, 0, ended.report);
  });

  it('a mount point whose process has died is taken over by the next mount', async (t) => {
    const scratch = makeScratch(t);
    const mount = await mounted(t, scratch);
    assert.equal((await mount.sh('printf kept > f && sync f')).status, 0);
    const [own] = (await mount.vtftp('--json', '-c', 'mounts')).stdout.split('\n').filter((line) => line.includes(`"${mount.path}"`));
    const { pid } = JSON.parse(own ?? '{}') as { readonly pid: number };
    process.kill(pid, 'SIGKILL');
    // It is dead once the kernel has closed its files, and every call to the mount fails.
    const stale = await run('sh', ['-c', 'while stat "$0" 2> /dev/null; do :; done; stat "$0"', mount.path]);
    assert.match(stale.stderr, /not connected/);
    assert.match((await mount.vtftp('-c', 'mounts')).stdout, / stale /);
    const again = await mount.vtftp('-c', `mount ${mount.path}`);
    assert.equal(again.status, 0, again.report);
    assert.equal((await mount.sh('cat f')).stdout, 'kept');
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    assert.equal(lines.filter((line) => line.includes(` ${mount.path} `)).length, 1);
  });
});
