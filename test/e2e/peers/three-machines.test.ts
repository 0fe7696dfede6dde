import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { programWith, startSshHost } from '../../support/links/ssh-host.ts';
import { run } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';

// docs/three-machines.md, line by line: a real sshd, and a home for each of the three.

const PAGE = readFileSync(join(PROJECT_ROOT, 'docs/three-machines.md'), 'utf8');
const MACHINES = ['laptop', 'desktop', 'server'];

interface Block {
  readonly machine: string;
  readonly lines: readonly string[];
}

/** The lines of sh, with the machine that each block is for; a block without one is for the machine before. */
function blocks(): Block[] {
  let machine = '';
  return [...PAGE.matchAll(/(?:<!-- machine: (\w+) -->\n)?```sh\n(.*?)```/gs)].map(([, named, text = '']) => {
    machine = named ?? machine;
    return { machine, lines: text.trimEnd().split('\n') };
  });
}

/** What systemd would run of a unit, word by word. */
function startWords(unit: string): string[] {
  const [, line = ''] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

it('the page of three machines works, line by line, and the units do the same', async (t) => {
  const scratch = makeScratch(t);
  const { env, install } = await startSshHost(scratch, 'server');
  const homes = new Map(MACHINES.map((machine) => [machine, scratch.path(`home of ${machine}`)]));
  const envOf = (machine: string): Record<string, string> => ({
    ...env,
    HOME: homes.get(machine) ?? '',
    XDG_RUNTIME_DIR: `${homes.get(machine)}/run`,
    XDG_DATA_HOME: '',
    XDG_CACHE_HOME: '',
    XDG_STATE_HOME: '',
    XDG_CONFIG_HOME: '',
  });
  for (const home of homes.values()) mkdirSync(`${home}/run`, { recursive: true, mode: 0o700 });
  writeFileSync(scratch.path('here/vtftp'), `#!/bin/sh\n${programWith({})}\n`);
  chmodSync(scratch.path('here/vtftp'), 0o755);
  install(programWith(envOf('server')));
  const on = async (machine: string, words: readonly string[]): Promise<string> => {
    const [command = '', ...args] = words;
    const done = await run(command, args, { env: envOf(machine), cwd: homes.get(machine) ?? '' });
    assert.equal(done.status, 0, `${machine}: ${done.report}`);
    return done.stdout;
  };
  const said: string[] = [];
  for (const { machine, lines } of blocks()) {
    assert.ok(homes.has(machine), machine);
    for (const line of lines) said.push(await on(machine, ['sh', '-c', line]));
  }
  const papers = (machine: string): string => `${homes.get(machine)}/papers`;
  const equal = async (): Promise<void> => assert.equal(await rsyncDifferences(papers('laptop'), papers('desktop')), '');
  await equal();
  assert.ok(said.includes('Dear reader, hello\nBuy bread\nBuy milk\n'), said.join(''));
  assert.ok(!existsSync(`${papers('laptop')}/drafts/letter`));
  assert.equal(readFileSync(`${homes.get('laptop')}/old-list`, 'utf8'), 'Buy bread\n');

  // The unit does what the line does.
  const [unit = ''] = PAGE.split('unit: vtftp-papers.service -->')[1]?.split('```\n\n') ?? [];
  const sync = startWords(unit);
  const daily = blocks().flatMap(({ lines }) => lines.filter((line) => line.includes('--delete')));
  for (const line of daily) assert.equal(line, `vtftp -c '${sync.at(-1)}'`);
  writeFileSync(`${papers('laptop')}/of-the-unit`, 'by a timer');
  // A conflict: both are there, on both machines, and told until one goes.
  writeFileSync(`${papers('laptop')}/list`, 'of the laptop');
  writeFileSync(`${papers('desktop')}/list`, 'of the desktop');
  for (const machine of ['laptop', 'desktop', 'laptop']) await on(machine, sync);
  await equal();
  assert.match(await on('laptop', ['vtftp', '-c', 'conflicts']), /list\.theirs-/);
  const forget = startWords(PAGE.split('unit: vtftp-forget.service -->')[1]?.split('```\n\n')[0] ?? '');
  await on('server', forget);
  const states = await on('server', ['vtftp', '-c', 'log']);
  assert.match(await on('server', ['vtftp', '-c', 'fsck']), /clean/);
  const copied = await run('cp', ['-a', papers('laptop'), scratch.path('before')]);
  assert.equal(copied.status, 0, copied.report);
  await on('laptop', sync);
  assert.equal(await rsyncDifferences(papers('laptop'), scratch.path('before')), '', 'nothing changed, and nothing does');
  assert.equal(await on('server', ['vtftp', '-c', 'log']), states);
});
