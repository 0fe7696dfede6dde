import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { SlowLink } from '../../support/links/slow-link.ts';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

const unable = SlowLink.unable();

it('a push goes over a link of 50 ms that loses packets, and comes whole', { skip: unable ?? false }, async (t) => {
  const scratch = makeScratch(t);
  const [here, peer] = [scratch.path('here'), scratch.path('peer')];
  makeTree(scratch.path('tree'), { files: 300, seed: 12 });
  const put = await vtftp(['-S', here, '-c', `put ${scratch.path('tree')} docs; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  const made = await vtftp(['-S', peer, '-c', 'mkdir own; quit'], { env: scratch.env });
  assert.equal(made.status, 0, made.report);
  writeFileSync(scratch.path('secret'), 'sixteen octets and more\n', { mode: 0o600 });

  const link = new SlowLink(scratch.folder, { delayMs: 25, lossPercent: 3, seed: 5 });
  scratch.beforeRemoval(() => link[Symbol.dispose]());
  const { near, far } = link;
  const served = await serve(scratch, peer, `serve --secret ${scratch.path('secret')} tcp:${far.address}:0`, far.enter);
  const [command = '', ...enter] = near.enter;
  const push = `push -b --peer ${served.address},secret=${scratch.path('secret')}`;
  const pushed = await run(command, [...enter, process.execPath, PROGRAM, '-S', here, '-c', push], { env: scratch.env });
  assert.equal(pushed.status, 0, pushed.report);
  assert.match(pushed.stdout, /^pushed /m);
  await served.stop();

  const got = await vtftp(['-S', peer, recited(put), '-c', `get docs ${scratch.path('got')}`], { env: scratch.env });
  assert.equal(got.status, 0, got.report);
  assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('got')), '');
});
