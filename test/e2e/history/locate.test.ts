import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

test('locate finds a name in any state, once, with the newest state that has it', async (t) => {
  const scratch = makeScratch(t);
  const say = async (line: string, ...words: string[]) =>
    await vtftp([...words, '-S', './store', '-c', line], { env: scratch.env, cwd: scratch.folder });
  mkdirSync(scratch.path('t/deep/er'), { recursive: true });
  writeFileSync(scratch.path('t/Invoice 1.pdf'), 'one');
  writeFileSync(scratch.path('t/deep/er/invoice-2.pdf'), 'two');
  assert.equal((await say('put t docs; quit')).status, 0);
  rmSync(scratch.path('t/deep'), { recursive: true });
  writeFileSync(scratch.path('t/invoices'), 'three');
  assert.equal((await say('put t docs; quit')).status, 0);
  assert.equal((await say('rm docs/invoices; quit')).status, 0);
  const names = (stdout: string): string[] =>
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ')[0] ?? '');

  const found = await say('locate nvoice');
  assert.equal(found.status, 0, found.report);
  assert.deepEqual(names(found.stdout), ['/docs/Invoice 1.pdf@3', '/docs/invoices@2', '/docs/deep/er/invoice-2.pdf@1']);
  assert.match(found.stdout, /^\/docs\/invoices@2 {2}\d{4}-\d\d-\d\dT\S+ {2}5B$/m);
  assert.deepEqual(names((await say("locate 'invoice*'")).stdout), ['/docs/invoices@2', '/docs/deep/er/invoice-2.pdf@1']);
  assert.deepEqual(names((await say("locate -i 'INVOICE*.PDF'")).stdout), ['/docs/Invoice 1.pdf@3', '/docs/deep/er/invoice-2.pdf@1']);
  assert.deepEqual(names((await say('locate -n 1 nvoice')).stdout), ['/docs/Invoice 1.pdf@3']);
  assert.deepEqual(names((await say('locate er')).stdout), ['/docs/deep/er@1']);
  const [record] = (await say('locate deep', '--json')).stdout.split('\n').map((line) => (line === '' ? {} : (JSON.parse(line) as object)));
  assert.deepEqual({ ...record, when: '' }, { command: 'locate', path: '/docs/deep', number: 1, when: '', kind: 'dir' });

  // A path that went and came back is told once.
  assert.equal((await say('undo; quit')).status, 0);
  assert.deepEqual(names((await say('locate invoices')).stdout), ['/docs/invoices@4']);

  const none = await say('locate nowhere');
  assert.equal(none.status, 1);
  assert.equal(none.stderr, 'locate: nowhere: no recorded state has such a name\n');
  // What is printed can be typed.
  const typed = await say('cat /docs/deep/er/invoice-2.pdf@1');
  assert.deepEqual([typed.status, typed.stdout], [0, 'two']);
});

test('archives lists what the Store has, and marks the open one', async (t) => {
  const scratch = makeScratch(t);
  const say = async (line: string, store: string, ...words: string[]) =>
    await vtftp([...words, store, '-c', line], { env: { ...scratch.env, VTFTP_STORE: './store' }, cwd: scratch.folder });
  assert.equal((await say('mkdir a; sync; mkdir b; publish b; quit', '--quiet')).status, 0);
  const listed = await say('archives', './store@published');
  assert.equal(listed.status, 0, listed.report);
  assert.match(listed.stdout, /^ {2}default {4}2 states {2}\S+\n\* published {2}1 state {2}\S+\n$/);
  const records = (await say('archives', './store@published', '--json')).stdout.trimEnd().split('\n');
  const [first] = records.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([first?.['archive'], first?.['open'], first?.['states']], ['default', false, 2]);
  assert.match(String(first?.['reference']), /^D\{/);
  const refused = await vtftp(['-S', 'memory:', '-c', 'archives'], { env: scratch.env, cwd: scratch.folder });
  assert.equal(refused.status, 1, refused.report);
  assert.match(refused.stderr, /^archives: memory:: this Store keeps no list of archives \(use a datadir or a served Store\)\n$/);
});

test('VTFTP_STORE and VTFTP_CONFIG stand for the options, which come first', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('conf'), '[box]\ntype = datadir\npath = ./in-clause\n', { mode: 0o600 });
  const say = async (env: Record<string, string>, ...words: string[]) =>
    await vtftp([...words, '-c', 'pwd; stores'], { env: { ...scratch.env, ...env }, cwd: scratch.folder });
  assert.match((await say({ VTFTP_STORE: './by-env' })).stdout, /datadir:\S*by-env/);
  assert.match((await say({ VTFTP_STORE: './by-env' }, '-S', './by-option')).stdout, /datadir:\S*by-option/);
  assert.match((await say({ VTFTP_STORE: 'box', VTFTP_CONFIG: scratch.path('conf') })).stdout, /in-clause/);
  const lost = await say({ VTFTP_CONFIG: scratch.path('nowhere') });
  assert.equal(lost.status, 10, lost.report);
  assert.match(lost.stderr, /nowhere/);
  assert.equal((await say({ VTFTP_STORE: '', VTFTP_CONFIG: '' })).status, 0);
});
