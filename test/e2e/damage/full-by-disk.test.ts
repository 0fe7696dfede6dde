import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { recited, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { DISK_KINDS, smallDisk } from '../../support/small-disk.ts';

/** Octets that are free at first, and about twice as many as are put. */
const ROOM = 5 * 1024 * 1024;

function makeSource(scratch: Scratch): string {
  const source = scratch.mkdir('source');
  const random = makeRandom(41);
  for (let i = 0; i < 5; i++) writeFileSync(`${source}/file-${i}`, random.bytes(2 * 1024 * 1024));
  for (let i = 0; i < 40; i++) writeFileSync(`${source}/small-${i}`, random.bytes(random.below(3000)));
  return source;
}

for (const kind of DISK_KINDS) {
  test(`put into a full Store on ${kind} says so; with room the same session goes on, and all is there`, async (t) => {
    const scratch = makeScratch(t);
    const disk = smallDisk(scratch, kind, ROOM);
    if (typeof disk === 'string') {
      t.skip(disk);
      return;
    }
    const { env } = scratch;
    const source = makeSource(scratch);
    const store = `${disk.path}/store`;
    const session = await vtftp(
      ['-S', store, '-c', `mkdir kept; sync; -put ${source} tree; !rm ${disk.path}/ballast`, '-c', `put ${source} tree; quit`],
      { env },
    );
    assert.equal(session.status, 0, session.report);
    assert.match(session.stderr, /no space left/i);
    const got = await vtftp(['-S', store, recited(session), '-c', `get tree ${scratch.path('got')}`], { env });
    assert.equal(got.status, 0, got.report);
    assert.equal(await rsyncDifferences(source, scratch.path('got')), '');
    const checked = await vtftp(['-S', store, '-c', 'fsck; scrub'], { env });
    assert.equal(checked.status, 0, checked.report);
  });

  test(`a served Store on ${kind} that was full takes what comes once there is room, by the same process`, async (t) => {
    const scratch = makeScratch(t);
    const disk = smallDisk(scratch, kind, ROOM);
    if (typeof disk === 'string') {
      t.skip(disk);
      return;
    }
    const { env } = scratch;
    const source = makeSource(scratch);
    const store = `${disk.path}/store`;
    const made = await vtftp(['-S', store, '-c', 'mkdir kept; quit'], { env });
    assert.equal(made.status, 0, made.report);
    const served = await serve(scratch, store, `serve unix:${scratch.path('socket')}`);
    const line = `put ${source} tree; quit`;
    const full = await vtftp(['-S', served.address, '-c', line], { env });
    assert.equal(full.status, 1, full.report);
    assert.match(full.stderr, /no space left/i);
    disk.free();
    const again = await vtftp(['-S', served.address, '-c', line], { env });
    assert.equal(again.status, 0, again.report);
    const got = await vtftp(['-S', served.address, recited(again), '-c', `get tree ${scratch.path('got')}`], { env });
    assert.equal(got.status, 0, got.report);
    assert.equal(await rsyncDifferences(source, scratch.path('got')), '');
    const { status, stderr } = await served.stop();
    assert.ok(status === 0 || status === 143, stderr);
    const checked = await vtftp(['-S', store, '-c', 'fsck; scrub'], { env });
    assert.equal(checked.status, 0, checked.report);
  });
}
