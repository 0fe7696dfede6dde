import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { TestMount } from '../../support/mounts/mounted.ts';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { PROGRAM, run } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** A live tree at two places. */
interface TwoMounts {
  readonly first: TestMount;
  readonly second: string;
  readonly sh: (line: string) => Promise<void>;
}

async function mountBeside(mount: TestMount, scratch: Scratch, options = ''): Promise<string> {
  const path = scratch.path('second');
  const env = { ...process.env, ...scratch.env, XDG_RUNTIME_DIR: scratch.path('runtime') };
  scratch.beforeRemoval(() => void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${path}`], { env }));
  const made = await mount.vtftp('-c', `mount ${options} ${mount.path} ${path}`);
  assert.equal(made.status, 0, made.report);
  return path;
}

async function twice(t: TestContext, options = ''): Promise<TwoMounts> {
  const scratch = makeScratch(t);
  const first = await mounted(t, scratch);
  const second = await mountBeside(first, scratch, options);
  const sh = async (line: string): Promise<void> => {
    const done = await run('bash', ['-ec', line], { env: { A: first.path, B: second } });
    assert.equal(done.status, 0, done.report);
  };
  return { first, second, sh };
}

describe('files that are written through two mounts of one live Dir', { skip: noMountsHere() ?? false }, () => {
  for (const options of ['', '-o append-only'])
    it(`an append goes to the end, whoever else has the file open (second mount ${options || 'as the first'})`, async (t) => {
      const { first, second, sh } = await twice(t, options);
      await sh(`
        exec 3>>$A/f; echo aaa >&3
        exec 4>>$B/f; echo bbb >&4; sync -d $B/f
        test "$(wc -c <$A/f)" = 8
        echo ccc >&3; echo ddd >&4
        exec 3>&- 4>&-`);
      for (const path of [first.path, second]) assert.equal(readFileSync(`${path}/f`, 'utf8'), 'aaa\nbbb\nccc\nddd\n', path);
    });

  it('an append leaves a descriptor at the end, whoever has made the file longer', async (t) => {
    const { first, second } = await twice(t);
    const script = [
      'import os, sys',
      'for name, here, there in (("f", *sys.argv[1:]), ("g", *sys.argv[:0:-1])):',
      '    fd = os.open(f"{here}/{name}", os.O_RDWR | os.O_CREAT | os.O_APPEND)',
      '    os.write(fd, b"one"); os.truncate(f"{there}/{name}", 1000); os.write(fd, b"two")',
      '    assert os.lseek(fd, 0, os.SEEK_CUR) == 1003, (name, os.lseek(fd, 0, os.SEEK_CUR))',
      '    other = os.open(f"{there}/{name}", os.O_WRONLY | os.O_APPEND)',
      '    os.write(other, b"x" * 50); os.write(fd, b"four")',
      '    assert os.lseek(fd, 0, os.SEEK_CUR) == 1057, (name, os.lseek(fd, 0, os.SEEK_CUR))',
      '    os.lseek(fd, 1000, os.SEEK_SET); assert os.read(fd, 100) == b"two" + b"x" * 50 + b"four"',
    ].join('\n');
    const done = await run('python3', ['-c', script, first.path, second]);
    assert.equal(done.status, 0, done.report);
  });

  it('two programs that append a line at a time lose none', async (t) => {
    const { first, second, sh } = await twice(t);
    await sh(`
      (for i in $(seq 150); do echo "a $i" >>$A/f; done) &
      (for i in $(seq 150); do echo "b $i" >>$B/f; done) &
      wait`);
    const wanted = ['a', 'b'].flatMap((letter) => Array.from({ length: 150 }, (_, i) => `${letter} ${i + 1}`)).sort();
    for (const path of [first.path, second]) assert.deepEqual(readFileSync(`${path}/f`, 'utf8').trim().split('\n').sort(), wanted, path);
  });

  it('open(O_CREAT) opens what another mount made in the meantime; with O_EXCL it is there already', async (t) => {
    const { first, second } = await twice(t);
    const done = await run(
      'python3',
      [
        '-c',
        `
import os, subprocess, sys
code = '''
import os, sys
top, mark = sys.argv[1:]
won = 0
for i in range(200):
    fd = os.open(f"{top}/n{i}", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
    os.write(fd, mark.encode()); os.close(fd)
    try: os.close(os.open(f"{top}/x{i}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)); won += 1
    except FileExistsError: pass
print(won)
'''
children = [subprocess.Popen([sys.executable, '-c', code, top, mark], stdout=subprocess.PIPE) for top, mark in zip(sys.argv[1:], 'ab')]
won = [int(child.communicate()[0]) for child in children]
assert [child.returncode for child in children] == [0, 0]
assert sum(won) == 200, won
for i in range(200): assert sorted(open(f'{sys.argv[1]}/n{i}').read()) == ['a', 'b'], i
`,
        first.path,
        second,
      ],
      {},
    );
    assert.equal(done.status, 0, done.report);
  });

  it('touch of an attached shell keeps what a mount wrote in the meantime', async (t) => {
    const { first, sh } = await twice(t);
    await sh(`(for i in $(seq 40); do echo "line" >$A/t$i; done) & wait`);
    const names = Array.from({ length: 40 }, (_, i) => `t${i + 1}`).join(' ');
    const touched = await first.vtftp(first.path, '-c', `touch ${names} new`);
    assert.equal(touched.status, 0, touched.report);
    await sh(`for i in $(seq 40); do test "$(cat $B/t$i)" = line; done; test ! -s $B/new`);
  });

  it('what a kernel has collected since before the second mount is not written over: the file is busy there', async (t) => {
    const scratch = makeScratch(t);
    const first = await mounted(t, scratch);
    const held = await run('bash', ['-ec', `exec 3>>${first.path}/f; echo aaa >&3; echo held; read -r line; echo bbb >&3`], {
      env: {},
      input: '',
    });
    assert.equal(held.stdout, 'held\n');
    const holder = `exec 3>>$A/f; echo ccc >&3; ${process.execPath} ${PROGRAM} -S ${scratch.path('store')} -c "mount $A $B"
      if echo ddd >>$B/f; then exit 1; fi
      if truncate -s 0 $B/f; then exit 1; fi
      cat $B/f >/dev/null
      echo eee >&3; exec 3>&-
      echo fff >>$B/f`;
    scratch.beforeRemoval(
      () =>
        void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${scratch.path('second')}`], { env: { ...process.env, ...first.env } }),
    );
    const done = await run('bash', ['-c', holder], { env: { ...first.env, A: first.path, B: scratch.path('second') } });
    assert.equal(done.status, 0, done.report);
    assert.match(done.stderr, /busy/);
    for (const path of [first.path, scratch.path('second')]) assert.equal(readFileSync(`${path}/f`, 'utf8'), 'aaa\nccc\neee\nfff\n', path);
  });
});
