import assert from 'node:assert/strict';
import { cpSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { PROGRAM, run } from '../support/program.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch } from '../support/scratch.ts';

test('a program that was replaced while it runs says so, and saves the tree', async (t) => {
  const { env, folder, path } = makeScratch(t);
  cpSync(dirname(PROGRAM), path('bin'), { recursive: true });
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), path('node_modules'));
  const words = ['-S', path('store'), '-c', 'mkdir kept; !mv bin gone', '-c', '-fsck; mkdir also; quit'];
  const ended = await run(process.execPath, [path('bin/vtftp.js'), ...words], { env, cwd: folder });
  assert.equal(ended.status, 0, ended.report);
  assert.match(
    ended.stderr,
    /fsck: vtftp was replaced or removed while it ran \(quit saves the tree; then start vtftp again\)/,
    ended.report,
  );
  const left = await run(process.execPath, [PROGRAM, '-S', path('store'), '-c', 'ls -1'], { env, cwd: folder });
  assert.equal(left.stdout, 'also\nkept\n', left.report);
});
