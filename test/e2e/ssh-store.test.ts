import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { startSshd } from '../support/links/sshd.ts';
import { PROGRAM, vtftp } from '../support/program.ts';
import type { Scratch } from '../support/scratch.ts';
import { makeScratch } from '../support/scratch.ts';

// ssh://[user@]host[:port]/[store], with a real sshd. What the configuration of ssh says comes from a file of the test.

interface Ssh {
  readonly scratch: Scratch;
  readonly env: Readonly<Record<string, string>>;
  /** Makes the `vtftp` of the other machine. */
  install(script: string): void;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

async function reachable(t: TestContext): Promise<Ssh> {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('bin'));
  mkdirSync(scratch.path('here'));
  const { ssh } = await startSshd(scratch);
  // The options of the test's ssh as a user's configuration has them, for the host `box`.
  const option = (name: string): string => ssh[ssh.indexOf(name) + 1] ?? '';
  const [user = '', address = ''] = (ssh.at(-1) ?? '').split('@');
  const config = [
    'Host box',
    `  HostName ${address}`,
    `  Port ${option('-p')}`,
    `  User ${user}`,
    `  IdentityFile ${option('-i')}`,
    '  BatchMode yes',
    '  StrictHostKeyChecking no',
    `  UserKnownHostsFile ${scratch.path('known_hosts')}`,
    '  LogLevel ERROR',
    '',
  ];
  writeFileSync(scratch.path('config'), config.join('\n'));
  writeFileSync(scratch.path('here/ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${quoted(scratch.path('config'))} "$@"\n`, { mode: 0o755 });
  return {
    scratch,
    env: { ...scratch.env, PATH: `${scratch.path('here')}:${process.env['PATH'] ?? ''}` },
    install: (script) => writeFileSync(scratch.path('bin/vtftp'), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
  };
}

it('a Store of another machine is opened by ssh://, with quotes that hold in its shell, and states go there and back', async (t) => {
  const { scratch, env, install } = await reachable(t);
  const there = Object.entries({ ...scratch.env, HOME: scratch.path('home there') }).map(([name, value]) => quoted(`${name}=${value}`));
  install(`exec env ${there.join(' ')} ${quoted(process.execPath)} ${quoted(PROGRAM)} "$@"`);
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
  const { scratch, env, install } = await reachable(t);
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
