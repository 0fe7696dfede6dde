import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

// What names Blocks outside of a Store, and was made before the Store got another hash function in place.

interface Outlived {
  readonly scratch: Scratch;
  /** Runs commands on a source of a Store. @returns what it printed; fails where the status is not 0 */
  on(source: readonly string[], commands: string): Promise<string>;
}

function setUp(t: TestContext): Outlived {
  const scratch = makeScratch(t);
  return {
    scratch,
    async on(source, commands) {
      const done = await vtftp(['-S', ...source, '-c', commands], { env: scratch.env, cwd: scratch.folder });
      assert.equal(done.status, 0, `${commands}: ${done.report}`);
      return `${done.stdout}${done.stderr}`;
    },
  };
}

it('an archive outside of a Store opens after a transition, goes on, and keeps its Blocks from gc', async (t) => {
  const { scratch, on } = setUp(t);
  const content = makeRandom(1).bytes(300_000);
  writeFileSync(scratch.path('f'), content);
  writeFileSync(scratch.path('out.vt'), '');
  await on(['datadir:./s,hash=sha1', './out.vt'], 'put f; sync; tag one; cp f g; sync; rm f; quit');
  const before = readFileSync(scratch.path('out.vt'), 'latin1');
  await on(['./s'], 'mkdir d; sync; transition sha3-256');
  const log = await on(['./s', './out.vt'], 'ls; get f@one out; log; diff; diff @1 @2; mkdir later; sync; undo; quit');
  assert.match(log, /^g$/m);
  assert.match(log, /\[@one\]/);
  assert.match(log, /^- \/f\t/m);
  assert.match(log, /^\+ \/g\t/m);
  assert.ok(readFileSync(scratch.path('out')).equals(content));
  const after = readFileSync(scratch.path('out.vt'), 'latin1');
  assert.ok(after.startsWith(before), 'its lines stay as they are');
  assert.match(after.slice(before.length), /sha3-256/);
  // Nothing in the Store has those states but what it keeps of the archive.
  rmSync(scratch.path('s/archives/references.vt'));
  await on(['./s'], 'gc --grace 0 --archive out.vt; fsck');
  assert.match(await on(['./s', './out.vt'], 'cd @one; ls; cd @; ls; fsck --archive out.vt'), /^f\ng\n/);
});

it('follow goes on after a transition where it was, though rotated files are gone', async (t) => {
  const { scratch, on } = setUp(t);
  const first = Array.from({ length: 3000 }, (_, i) => `line ${i} of a log that has some length\n`).join('');
  const log = scratch.path('log');
  writeFileSync(log, first);
  await on(['datadir:./s,hash=sha1'], 'follow log log; quit');
  renameSync(log, `${log}.1`);
  writeFileSync(log, 'rotated\n');
  await on(['./s'], 'follow log log; quit');
  rmSync(`${log}.1`);
  appendFileSync(log, 'before\n');
  await on(['./s'], 'transition sha3-256');
  appendFileSync(log, 'after\n');
  assert.doesNotMatch(await on(['./s'], 'follow log log; quit'), /not in the Store/);
  assert.equal(await on(['./s'], 'cat log'), `${first}rotated\nbefore\nafter\n`);
});

it('a session that only read before a transition reads on; it writes nothing, and spoils no index', async (t) => {
  const { scratch, on } = setUp(t);
  const content = makeRandom(2).bytes(300_000);
  writeFileSync(scratch.path('f'), content);
  await on(['datadir:./s,hash=sha1'], 'put f; quit');
  execFileSync('mkfifo', [scratch.path('go')]);
  const unknown = `D{block:B{hash:H{sha1:${'0'.repeat(40)}},span:80}}`;
  const commands = `!echo ready; !cat go; get f out; -open ${unknown}; -ls; open default; mkdir d; quit`;
  const idle = await vtftp(['-S', './s', '-c', commands], {
    env: scratch.env,
    cwd: scratch.folder,
    async during({ printed }) {
      await printed('ready');
      await on(['./s'], 'transition sha3-256');
      writeFileSync(scratch.path('go'), '');
    },
  });
  assert.doesNotMatch(idle.report, /out of range|Error:/);
  assert.ok(readFileSync(scratch.path('out')).equals(content), idle.report);
  const said = await on(['./s'], 'get f out2; fsck');
  assert.doesNotMatch(said, /rebuilding it/);
  assert.match(said, /clean/);
});
