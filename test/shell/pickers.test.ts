import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { vtftp } from '../support/program.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../support/shells/terminal.ts';

async function done(scratch: Scratch, args: readonly string[], status = 0): Promise<string> {
  const ran = await vtftp(args, { env: scratch.env, cwd: scratch.folder });
  assert.equal(ran.status, status, ran.report);
  return ran.stderr;
}

/** Two Stores that come from one state, and have changed `a` and `b` both since. */
async function diverged(t: TestContext): Promise<{ readonly scratch: Scratch; readonly ours: string; readonly theirs: string }> {
  const scratch = makeScratch(t);
  const [ours, theirs] = [scratch.path('ours'), scratch.path('theirs')];
  const write = (name: string, text: string): void => {
    writeFileSync(scratch.path(name), text);
    utimesSync(scratch.path(name), 1_700_000_000, 1_700_000_000 + text.length);
  };
  for (const name of ['a', 'b']) write(name, 'common\n');
  await done(scratch, ['-S', ours, '-c', 'put a .; put b .; quit']);
  await done(scratch, ['-S', theirs, '-c', `merge ${ours}; quit`]);
  for (const [store, text] of [
    [ours, 'ours\n'],
    [theirs, 'theirs, longer\n'],
  ] as const) {
    for (const name of ['a', 'b']) write(name, text);
    await done(scratch, ['-S', store, '-c', 'put a .; put b .; quit']);
  }
  return { scratch, ours, theirs };
}

describe('merge at a prompt', () => {
  it('asks which version each conflict shall have, and takes them', NEEDS_TMUX, async (t) => {
    const { scratch, ours, theirs } = await diverged(t);
    const terminal = new Terminal(t, scratch, ['-S', ours]);
    await terminal.shows(/^vtftp:\/>$/m);
    terminal.type(`merge ${theirs}`);
    terminal.keys('Enter');
    await terminal.shows(
      /\/a: which version\?[\s\S]*^ours 5B of 2023-\S+ \S+\n+theirs 15B of 2023-.*\n+both .*\n+ours for all 2 that are left/m,
    );
    terminal.keys('Down', 'Enter');
    await terminal.shows(/\/b: which version\?[\s\S]*^stop merge nothing/m);
    terminal.keys('Enter');
    await terminal.shows(/^merged into \/: 2 conflicts$/m);
    terminal.type('cat a b');
    terminal.keys('Enter');
    await terminal.shows(/^theirs, longer\n+ours$/m);
  });

  it('changes nothing where the question is left, and asks nothing in a script or with --conflict', NEEDS_TMUX, async (t) => {
    const { scratch, ours, theirs } = await diverged(t);
    const terminal = new Terminal(t, scratch, ['-S', ours]);
    await terminal.shows(/^vtftp:\/>$/m);
    terminal.type(`merge ${theirs}`);
    terminal.keys('Enter');
    await terminal.shows(/which version\?/);
    terminal.keys('C-c');
    await terminal.shows(/^merge: 2 conflicts, nothing is changed/m);
    terminal.type('cat a b');
    terminal.keys('Enter');
    await terminal.shows(/^ours\n+ours$/m);
    const said = await done(scratch, ['-S', ours, '-c', `merge ${theirs}`], 3);
    assert.match(said, /2 conflicts, nothing is changed/);
    terminal.type(`merge --conflict=theirs ${theirs}`);
    terminal.keys('Enter');
    await terminal.shows(/^merged into \/: 2 conflicts$/m);
  });
});

describe('open without a SOURCE', () => {
  it('lets one choose an archive and its state, or a bookmark, by typing a part of it', NEEDS_TMUX, async (t) => {
    const scratch = makeScratch(t);
    const store = scratch.path('store');
    await done(scratch, ['-S', store, '-c', 'mkdir first; sync; mkdir second; quit']);
    await done(scratch, [`datadir:${store}@other`, '-c', 'mkdir -p else/where; quit', '--write']);
    const terminal = new Terminal(t, scratch, ['-S', store]);
    await terminal.shows(/^vtftp:\/>$/m);
    terminal.type('open');
    terminal.keys('Enter');
    await terminal.shows(/Open what\?[\s\S]*^default archive: 2 states, the last of .*\n+other archive: 1 state/m);
    terminal.keys('Enter');
    await terminal.shows(/Which state\?[\s\S]*^@2 .*the newest, writable\n+@1 .*mkdir first/m);
    terminal.keys('Down', 'Enter');
    await terminal.shows(/^vtftp@1:\/>$/m);
    terminal.type('open');
    terminal.keys('Enter');
    await terminal.shows(/^other archive: 1 state/m);
    terminal.type('oth');
    terminal.keys('Enter');
    await terminal.shows(/Open what\? · other\n+vtftp:\/>$/m);
    terminal.type('cd else/where; bookmark there; open default');
    terminal.keys('Enter');
    await terminal.shows(/default\n+vtftp:\/>$/m);
    terminal.keys('C-l');
    terminal.type('open');
    terminal.keys('Enter');
    await terminal.shows(/^there bookmark: .*other.* \/else\/where$/m);
    terminal.type('the');
    terminal.keys('Up', 'Down');
    await terminal.shows(/Open what\?/);
    terminal.keys('C-c');
    await terminal.shows(/vtftp:\/>$/m);
    const missing = await done(scratch, ['-S', store, '-c', 'open'], 2);
    assert.equal(missing, 'open: which source? SOURCE is missing\n');
  });
});

it('forget at a prompt asks first, and gc --drop too; in a script they do not', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  await done(scratch, ['-S', store, '-c', 'mkdir a; sync; mkdir b; sync; mkdir c; quit']);
  const terminal = new Terminal(t, scratch, ['-S', store]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type('forget --keep-last 2');
  terminal.keys('Enter');
  await terminal.shows(/Forget 1 state of 3\? It cannot be undone \(y\/N\)/);
  terminal.keys('Enter');
  await terminal.shows(/vtftp:\/>$/m);
  terminal.type('gc --drop default@1');
  terminal.keys('Enter');
  await terminal.shows(/Remove default@1, and free the Blocks that only it needs\? It cannot be undone \(y\/N\)/);
  terminal.type('n');
  terminal.keys('Enter');
  // What is typed while the question stands is its answer.
  await terminal.shows(/vtftp:\/>$/m);
  terminal.type('log | wc -l');
  terminal.keys('Enter');
  await terminal.shows(/^3$/m);
  const ran = await vtftp(['-S', store, '-c', 'forget --keep-last 2'], { env: scratch.env, cwd: scratch.folder });
  assert.match(ran.stdout, /^forgot 1 state; 2 states stay$/m, ran.report);
});

it('transition in place and sealed-key --revoke at a prompt ask first; in a script they do not', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  await done(scratch, ['-c', 'sealed-key --new one; sealed-key --new two']);
  const store = `sealed:one:${scratch.path('sealed')}`;
  await done(scratch, ['-S', store, '-c', 'mkdir a; sync; sealed-key --add two']);
  const sealed = new Terminal(t, scratch, ['-S', store]);
  await sealed.shows(/^vtftp:\/>$/m);
  sealed.type('sealed-key --revoke none');
  sealed.keys('Enter');
  await sealed.shows(/no such key/);
  const { stdout: listed } = await vtftp(['-S', store, '-c', 'sealed-key'], { env: scratch.env, cwd: scratch.folder });
  const [id = ''] = listed.split('\n').at(-2)?.split(' ') ?? [];
  sealed.type(`sealed-key --revoke ${id}`);
  sealed.keys('Enter');
  await sealed.shows(new RegExp(`Revoke key ${id} of .*open it again \\(y/N\\)`));
  sealed.keys('Enter');
  await sealed.shows(/vtftp:\/>$/m);
  sealed.type('sealed-key | wc -l');
  sealed.keys('Enter');
  await sealed.shows(/^2$/m);
  await done(scratch, ['-S', store, '-c', `sealed-key --revoke ${id}`]);

  const plain = scratch.path('store');
  await done(scratch, ['-S', plain, '-c', 'mkdir a; sync']);
  const terminal = new Terminal(t, scratch, ['-S', plain]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type('transition sha256');
  terminal.keys('Enter');
  await terminal.shows(/by sha256 in place of sha3-256\?/);
  terminal.keys('Enter');
  await terminal.shows(/vtftp:\/>$/m);
  terminal.keys('C-d');
  await terminal.shows(/ended with 0/);
  await done(scratch, ['-S', plain, '-c', 'transition sha256']);
});
