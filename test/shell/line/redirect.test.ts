import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { PROGRAM, run, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

test('output to a FIFO waits for who reads it, and Ctrl-C ends the waiting', async (t) => {
  const scratch = makeScratch(t);
  const { env, folder } = scratch;
  execFileSync('mkfifo', [scratch.path('fifo')]);
  const waiting = await vtftp(['-x', '-c', 'lpwd > fifo'], {
    env,
    cwd: folder,
    during: async (program) => {
      await program.printed('lpwd > fifo');
      program.kill('SIGINT');
    },
  });
  assert.equal(waiting.status, 130, waiting.report);
  const read = await run('sh', ['-c', 'cat fifo & "$0" "$1" -c "lpwd > fifo"; wait', process.execPath, PROGRAM], { env, cwd: folder });
  assert.equal(read.stdout, `${folder}\n`, read.report);
});
