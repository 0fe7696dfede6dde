import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { programWith, startSshHost } from '../../support/links/ssh-host.ts';
import { mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

// A mount of another machine, attached to through a real sshd.

it('ssh://host/mnt/point is the live tree of a mount there; local files are those of this machine', {
  skip: noMountsHere() ?? false,
}, async (t) => {
  const there = makeScratch(t);
  const here = makeScratch(t);
  const { env, install } = await startSshHost(here, 'box');
  const mount = await mounted(t, there);
  install(programWith({ ...mount.env }));
  const address = `ssh://box${mount.path}`;
  const shell = async (commands: string, status = 0, ...args: string[]): Promise<Run> => {
    const done = await vtftp([...args, address, '-c', commands], { env, cwd: here.folder });
    assert.equal(done.status, status, done.report);
    return done;
  };
  const sh = async (line: string): Promise<string> => {
    const done = await mount.sh(line);
    assert.equal(done.status, 0, done.report);
    return done.stdout;
  };
  assert.equal((await mount.sh('mkdir -p docs/letters; echo unsynced > docs/letters/one')).status, 0);

  await t.test('either side sees at once what the other changes, recorded or not', async () => {
    const done = await shell('ls docs/letters; cat docs/letters/one; mv docs/letters/one docs/two; mkdir made; ln -s docs link');
    assert.equal(done.stdout.split('\n').slice(0, 2).join(), 'one,unsynced', done.report);
    assert.equal(await sh('cat docs/two; ls docs/letters; test -d made; readlink link'), 'unsynced\ndocs\n');
  });

  await t.test('put and get move bytes between this machine and the mount, and lcd, lls and ! are about this machine', async () => {
    const random = makeRandom(7);
    const content = Buffer.from(Array.from({ length: 3_000_000 }, () => random.below(256)));
    here.mkdir('local');
    writeFileSync(here.path('local/big'), content);
    writeFileSync(here.path('local/small'), 'small\n');
    const done = await shell('lcd local; lls; put big small docs; !echo made here > by-shell; get docs/two back; lpwd');
    assert.match(done.stdout, /^big\nsmall\n/, done.report);
    assert.match(done.stdout, new RegExp(`^${join(here.folder, 'local')}$`, 'm'), done.report);
    assert.equal(readFileSync(here.path('local/by-shell'), 'utf8'), 'made here\n');
    assert.equal(readFileSync(here.path('local/back'), 'utf8'), 'unsynced\n');
    assert.equal(await sh('cmp docs/small - <<E\nsmall\nE\nwc -c < docs/big'), '3000000\n');
    assert.equal(await sh(`cmp docs/big ${here.path('local/big')}`), '');
    // What the mount has in memory alone comes too.
    await sh('echo just written > docs/fresh; head -c 2000000 /dev/urandom > docs/random');
    await shell('get docs/fresh docs/random .; get docs whole');
    assert.equal(readFileSync(here.path('fresh'), 'utf8'), 'just written\n');
    assert.equal(await sh(`cmp docs/random ${here.path('random')}`), '');
    assert.deepEqual(readFileSync(here.path('whole/big')), content);
  });

  await t.test('quit has the mount record its root, log and undo are the mount’s, and what fails has its status', async () => {
    const recorded = await shell('rm -r made; sync; log; undo');
    assert.match(recorded.stdout, /^D\{.*\n@\d+ .*-1/m, recorded.report);
    assert.equal(await sh('test -d made && echo back'), 'back\n');
    const failed = await shell('-cat nothing; -rmdir docs; mount elsewhere', 1);
    assert.match(
      failed.stderr,
      /^cat: \/nothing: no such file or directory\nrmdir: .*\nmount: .*it is a mount of another machine/,
      failed.report,
    );
    await shell('rm -r docs', 0, '-n');
    assert.equal(await sh('cat docs/two'), 'unsynced\n');
  });

  await t.test('-S means the same, also on the machine of the mount; a Store there stays a Store', async () => {
    const byStore = await vtftp(['-S', address, '-c', 'ls -1'], { env, cwd: here.folder });
    assert.match(byStore.stdout, /^docs\n/, byStore.report);
    const beside = await vtftp(['-S', mount.path, '-c', 'ls -1'], { env: mount.env, cwd: here.folder });
    assert.equal(beside.stdout, byStore.stdout, beside.report);
    assert.equal(await sh('ls'), 'docs\nlink\nmade\n');
    await sh(RECORD);
    const store = await vtftp([`ssh://box${there.path('store')}`, '-c', 'ls -1'], { env, cwd: here.folder });
    assert.equal(store.stdout, byStore.stdout, store.report);
  });

  await t.test('a mount that goes while it is attached to is told', async () => {
    const done = await shell(`ls; !${here.path('bin/vtftp')} -c "umount ${mount.path}"; cat docs/two`, 10);
    assert.match(done.stderr, /this mount has ended/, done.report);
  });
});
