import assert from 'node:assert/strict';
import childProcess, { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { PROGRAM, vtftp } from '../support/program.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch } from '../support/scratch.ts';

/** URLs and paths of the scripts that a run loaded, as V8's coverage lists them. */
function scriptsLoaded(coverage: string): string[] {
  return readdirSync(coverage).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8')) as { result: { url: string }[] };
    return result.map((script) => script.url).filter((url) => /^(file:|\/)/.test(url));
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

test('V8 takes what it wrote down of the chunks of every session when the program was built', (t) => {
  const folder = dirname(PROGRAM);
  const entry = /'(vtftp-[^']+\.js)'\);\n$/.exec(readFileSync(PROGRAM, 'utf8'))?.[1];
  const script = `
    import { createRequire } from 'node:module';
    import v8 from 'node:v8';
    import { startProgram } from ${JSON.stringify(join(PROJECT_ROOT, 'dist/scripts/program-start.js'))};
    // On a slow machine the program would set its flags before the last chunk is loaded.
    v8.setFlagsFromString = () => undefined;
    startProgram(createRequire(${JSON.stringify(PROGRAM)}), ${JSON.stringify(folder)}, '${entry}', ({ name, refused }) => console.log(name, refused));`;
  const args = ['--input-type=module', '-e', script, '--', '-q', '-c', 'pwd'];
  const run = spawnSync(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '', ...makeScratch(t).env }, encoding: 'utf8' });
  const chunks = run.stdout.split('\n').filter((line) => line.startsWith('vtftp-'));
  assert.ok(chunks.length >= 2 && chunks.length <= 8, run.stdout + run.stderr);
  for (const chunk of chunks) assert.match(chunk, / false$/);
});

test('what the bundle loads at its first use has all names that `import()` copies', (t) => {
  const folder = makeScratch(t).folder;
  writeFileSync(join(folder, 'chunk.js'), "console.log(Object.keys(require('node:child_process')).join())");
  const script = `
    import { createRequire } from 'node:module';
    import v8 from 'node:v8';
    import { startProgram } from ${JSON.stringify(join(PROJECT_ROOT, 'dist/scripts/program-start.js'))};
    // On a slow machine the program would set its flags before the last chunk is loaded.
    v8.setFlagsFromString = () => undefined;
    startProgram(createRequire(${JSON.stringify(PROGRAM)}), ${JSON.stringify(folder)}, 'chunk.js');`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(run.stdout, `${Object.keys(childProcess).join()}\n`, run.stderr);
});

test('--version is that of package.json', async (t) => {
  const { version } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { version: string };
  const asked = await vtftp(['--version'], { env: makeScratch(t).env });
  assert.equal(asked.stdout, `vtftp ${version}\n`);
});
