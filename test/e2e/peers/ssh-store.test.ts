import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { it } from 'node:test';
import { programWith, startSshHost } from '../../support/links/ssh-host.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

// ssh://[user@]host[:port]/[store], with a real sshd. What the configuration of ssh says comes from a file of the test.

it('a Store of another machine is opened by ssh://, with quotes that hold in its shell, and states go there and back', async (t) => {
  const scratch = makeScratch(t);
  const { env, install } = await startSshHost(scratch, 'box');
  install(programWith({ ...scratch.env, HOME: scratch.path('home there') }));
  mkdirSync(scratch.path('home there'));
  const run = async (store: string, commands: string, status = 0) => {
    const done = await vtftp(['-S', store, '-c', commands], { env, cwd: scratch.path('.') });
    assert.equal(done.status, status, done.report);
    return `${done.stdout}${done.stderr}`;
  };
  const far = scratch.path("a store's $HOME `name` *x");
  await run(far, 'mkdir made-there; quit');
  const address = `ssh://box${far}`;
  assert.match(await run('./a', `pull -p "${address}"; ls -1; mkdir of-a; push -p "${address}"; quit`), /^made-there$/m);
  assert.match(await run(far, 'ls -1'), /^made-there\nof-a$/m);
  assert.match(await run(address, 'ls -1; mkdir more; quit'), /^made-there\nof-a$/m);
  assert.match(await run('./a', `peer "${address}"; pull; ls -1`), /^box {2}.*\n(?:.*\n)*more\n/);
  // Below the home directory there, and the default Store.
  await run(scratch.path('home there/own'), 'mkdir in-home; quit');
  assert.match(await run('ssh://box/~/own', 'ls -1'), /^in-home$/m);
  await run('ssh://box/', 'mkdir by-default; quit');
  const source = await vtftp(['ssh://box/', '-c', 'ls -1'], { env, cwd: scratch.path('.') });
  assert.match(source.stdout, /^by-default$/m, source.report);
});

it('what fails is named: no vtftp there, a shell that prints, a host that nobody knows, an address that is none', async (t) => {
  const scratch = makeScratch(t);
  const { env, install } = await startSshHost(scratch, 'box');
  const fails = async (store: string, says: RegExp) => {
    const done = await vtftp(['-S', store, '-c', 'ls'], { env, cwd: scratch.path('.') });
    assert.equal(done.status, 10, done.report);
    assert.match(done.stderr, says, done.report);
  };
  await fails('ssh://box/', /there is no vtftp on box, or not on the PATH that commands of ssh get/);
  install('echo Welcome to box; exec cat');
  await fails('ssh://box/', /Welcome to box/);
  install('exit 3');
  await fails('ssh://box/', /vtftp on box ended with status 3/);
  rmSync(scratch.path('bin/vtftp'));
  await fails('ssh://nobody.invalid/', /nobody\.invalid/);
  await fails('ssh://-oProxyCommand=touch%20x/', /expected ssh:\/\/\[USER@\]HOST/);
  await fails('ssh://box:0/', /expected ssh:\/\//);
});
