import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

const SCRATCH = new URL('../support/scratch.js', import.meta.url).href;

/** Removes a scratch folder as the end of a test does, then writes into it as a Store does that closes later. */
const WRITES_AFTERWARDS = `
  import { mkdirSync } from 'node:fs';
  import { makeScratch } from '${SCRATCH}';
  const hooks = [];
  const { folder } = makeScratch({ after: (hook) => hooks.push(hook) });
  for (const hook of hooks) hook();
  mkdirSync(folder + '/store/index', { recursive: true });
  console.log(folder);
`;

test('a scratch folder is gone at the end of its process, also if a Store has written into it after the test', () => {
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', WRITES_AFTERWARDS], { encoding: 'utf8' });
  assert.equal(status, 0);
  const folder = stdout.trim();
  assert.match(folder, /vtftp-test-/);
  assert.ok(!existsSync(folder), folder);
});
