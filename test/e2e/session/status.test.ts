import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

test('status tells of states, tails, the disk and scrub, and ends with 1 where something needs care', async (t) => {
  const scratch = makeScratch(t);
  const log = scratch.path('a.log');
  writeFileSync(log, 'one\n');
  const say = async (line: string, ...words: string[]) =>
    await vtftp([...words, '-S', scratch.path('store'), '-c', line], { env: scratch.env, cwd: scratch.folder });
  const empty = await say('status');
  assert.equal(empty.status, 1, empty.report);
  assert.match(empty.stdout, /^! archive {3}none: no state is recorded$/m);
  assert.equal(empty.stderr, 'status: one problem found\n');

  assert.equal((await say('mkdir d; quit')).status, 0);
  assert.equal((await say('follow a.log d/log')).status, 0);
  const well = await say('status');
  assert.equal(well.status, 0, well.report);
  assert.match(
    well.stdout,
    /^ {2}archive {3}default@\d of \S+, \d+ min ago\n {2}tail {6}\/d\/log, lag 0B, stopped\n {2}disk {6}\S+ free \(\d+ %\)\n {2}scrub {5}never\n$/,
  );
  assert.equal((await say('status --max-age 1d')).status, 0);
  const old = await say('status --max-age 0s');
  assert.equal(old.status, 1, old.report);
  assert.match(old.stdout, /^! archive .* ago: older than 0 min$/m);

  appendFileSync(log, 'two\n');
  assert.equal((await say('scrub')).status, 0);
  const behind = await say('status --min-free 100', '--json');
  assert.equal(behind.status, 1, behind.report);
  const records = behind.stdout
    .trimEnd()
    .split('\n')
    .map(
      (line) => JSON.parse(line) as { readonly what: string; readonly ok: boolean; readonly lag_bytes?: number; readonly when?: string },
    );
  assert.deepEqual(
    records.map(({ what, ok, lag_bytes: lag }) => [what, ok, lag]),
    [
      ['archive', true, undefined],
      ['tail', false, 4],
      ['disk', false, undefined],
      ['scrub', true, undefined],
    ],
  );
  assert.ok(records.at(-1)?.when !== undefined, behind.report);
  assert.equal((await say('status --min-free 101')).status, 2);
});

test('status tells what waits in a spool', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'x'.repeat(5000));
  // A file stands where the folder of the Store should be.
  writeFileSync(scratch.path('main'), '');
  const specification = `proxy:save=${scratch.path('main')},save2=${scratch.path('spool')}`;
  const say = async (line: string) => await vtftp(['-S', specification, '-c', line], { env: scratch.env, cwd: scratch.folder });
  assert.equal((await say('put f; quit')).status, 0);
  const told = await say('status');
  assert.equal(told.status, 1, told.report);
  assert.match(
    told.stdout,
    /^! store {5}datadir:\S+spool, \d+ Blocks? \(\S+\) waiting: they are not sent to the other Store yet$/m,
    told.report,
  );
});
