import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

/** What bash offers for a command line of which the last word is to be completed. */
function offeredByBash(script: string, words: readonly string[], cwd: string): string[] {
  const asked = `. "$1"; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _vtftp; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', asked, 'bash', script], { cwd, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n');
}

test('--completion bash offers options, choices, commands after -c, and local files', async (t) => {
  const scratch = makeScratch(t);
  const made = await vtftp(['--completion', 'bash'], { env: scratch.env });
  assert.equal(made.status, 0, made.report);
  const script = scratch.path('completion');
  writeFileSync(script, made.stdout);
  writeFileSync(scratch.path('store one'), '');
  const offered = (...words: string[]): string[] => offeredByBash(script, ['vtftp', ...words], scratch.folder);
  assert.deepEqual(offered('--js'), ['--json']);
  assert.deepEqual(offered('--color=a'), ['--color=auto', '--color=always']);
  assert.deepEqual(offered('-c', 'loc'), ['locate']);
  assert.deepEqual(offered('-S', 'sto'), ['store one']);
  assert.deepEqual(offered('sto'), ['store one', 'stores']);
  assert.deepEqual(offered('get', 'sto'), ['store one']);
});

for (const { shell, check } of [
  { shell: 'zsh', check: ['zsh', '-n'] },
  { shell: 'fish', check: ['fish', '--no-execute'] },
] as const) {
  const [program, option] = check;
  const isThere = spawnSync(program, ['--version']).error === undefined;
  test(`--completion ${shell} is a script that ${shell} can read`, { skip: isThere ? false : `${shell} is not installed` }, async (t) => {
    const scratch = makeScratch(t);
    const made = await vtftp(['--completion', shell], { env: scratch.env });
    assert.equal(made.status, 0, made.report);
    writeFileSync(scratch.path('completion'), made.stdout);
    const { status, stderr } = spawnSync(program, [option, scratch.path('completion')], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(made.stdout, /locate/);
  });
}

test('--completion of another shell is refused', async (t) => {
  const { status, stderr } = await vtftp(['--completion', 'csh'], { env: makeScratch(t).env });
  assert.equal(status, 2);
  assert.match(stderr, /bash.*zsh.*fish/);
});
