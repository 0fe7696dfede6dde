import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { mounted, noMountsHere } from '../../support/mounts/mounted.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

it('a file is followed beside a filesystem that hangs', { skip: noMountsHere() }, async (t) => {
  const scratch = makeScratch(t);
  const mount = await mounted(t, scratch);
  const { env } = scratch;
  const listed = await mount.vtftp('--json', '-c', 'mounts');
  const pid = Number(/"pid":(\d+)/.exec(listed.stdout)?.[1]);
  assert.ok(pid > 0, listed.report);
  writeFileSync(scratch.path('log'), 'a line\n');
  process.kill(pid, 'SIGSTOP');
  // Whoever has asked it for something cannot end either: it goes on once the line has come.
  const followed = await vtftp(['-S', scratch.path('other'), '-c', `follow ${scratch.path('log')} lg; cat lg`], {
    env,
    during: async (program) => {
      await program.printed('a line');
      process.kill(pid, 'SIGCONT');
    },
  });
  assert.equal(followed.status, 0, followed.report);
  assert.match(followed.stdout, /^a line$/m);
});
