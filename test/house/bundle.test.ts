import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { PROGRAM, vtftp } from '../support/program.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch } from '../support/scratch.ts';

/** URLs of the scripts that a run loaded, as V8's coverage lists them. */
function scriptsLoaded(coverage: string): string[] {
  return readdirSync(coverage).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8')) as { result: { url: string }[] };
    return result.map((script) => script.url).filter((url) => url.startsWith('file:'));
  });
}

test('the program is executable as it stands, with its workers beside it', () => {
  assert.match(readFileSync(PROGRAM, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  assert.equal(statSync(PROGRAM).mode & 0o777, 0o755);
  for (const worker of ['ingest-worker.js', 'export-worker.js']) assert.ok(statSync(join(dirname(PROGRAM), worker)).isFile());
});

test('`vtftp -c pwd` loads a few files of ours and no package at all', async (t) => {
  const scratch = makeScratch(t);
  const coverage = scratch.mkdir('coverage');
  const pwd = await vtftp(['-c', 'pwd'], { env: { ...scratch.env, NODE_V8_COVERAGE: coverage } });
  assert.equal(pwd.status, 0, pwd.report);
  assert.equal(pwd.stdout, '/\n');
  const loaded = scriptsLoaded(coverage);
  assert.deepEqual(
    loaded.filter((url) => url.includes('node_modules')),
    [],
  );
  assert.ok(loaded.length >= 1 && loaded.length <= 8, loaded.join('\n'));
});

test('--version is that of package.json', async (t) => {
  const { version } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { version: string };
  const asked = await vtftp(['--version'], { env: makeScratch(t).env });
  assert.equal(asked.stdout, `vtftp ${version}\n`);
});
