import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { serve } from '../support/links/served-program.ts';
import { PROGRAM, vtftp } from '../support/program.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../support/shells/terminal.ts';

async function elsewhere(scratch: Scratch, store: string, line: string): Promise<void> {
  const ran = await vtftp(['-S', store, '-c', line, '-c', 'quit'], { env: scratch.env, cwd: scratch.folder });
  assert.equal(ran.status, 0, ran.report);
}

/** Milliseconds until a change is told, at most: the system tells of it when it likes. */
const PATIENCE_MS = 60_000;

/** Runs a command that prints a mark, again and again, until something stands between that and the prompt. */
async function showsSoon(terminal: Terminal, pattern: RegExp): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (let mark = 1; Date.now() < end && !pattern.test(terminal.screen); mark++) {
    terminal.type(`!echo mark ${mark}`);
    terminal.keys('Enter');
    await terminal.shows(new RegExp(`^mark ${mark}\n(?:.*\n)?vtftp:.*>$`, 'm'));
  }
  assert.match(terminal.screen, pattern);
}

for (const kind of ['local', 'served'] as const)
  test(`at a terminal: what another session records in a ${kind} Store is told once, before the next prompt`, NEEDS_TMUX, async (t) => {
    const scratch = makeScratch(t);
    const store = scratch.path('store');
    await elsewhere(scratch, store, 'mkdir first');
    const address = kind === 'local' ? store : (await serve(scratch, store, `serve unix:${scratch.path('sock')}`)).address;
    const terminal = new Terminal(t, scratch, ['-S', address]);
    await terminal.shows(/^vtftp:\/>$/m);
    terminal.type('mkdir own; sync > /dev/null; pwd');
    terminal.keys('Enter');
    await terminal.shows(/^\/\nvtftp/m);
    await elsewhere(scratch, store, 'mkdir second');
    await showsSoon(terminal, /^mark \d+\nnew state @3 by \S+@\S+: mkdir second \(sync merges it\)\nvtftp:\/>$/m);
    terminal.keys('C-l');
    terminal.type('sync > /dev/null; ls');
    terminal.keys('Enter');
    await terminal.shows(/^first\s+own\s+second$/m);
    assert.doesNotMatch(terminal.screen, /new state/);

    // Not while a command prints; what has come meanwhile is told behind it.
    terminal.keys('C-l');
    terminal.type("!sh -c 'echo begin; while [ ! -e go ]; do sleep 0.05; done; echo end'");
    terminal.keys('Enter');
    await terminal.shows(/^begin$/m);
    await elsewhere(scratch, store, 'mkdir third');
    await elsewhere(scratch, store, 'mkdir fourth');
    assert.doesNotMatch(terminal.screen, /new/);
    writeFileSync(scratch.path('go'), '');
    await terminal.shows(/^begin\nend\n/m);
    await showsSoon(terminal, /^new state @[45] by \S+@\S+: mkdir (?:third|fourth) /m);
  });

test('at a terminal: what the session records itself is no news, though undo records two states at once', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  for (let mark = 1; mark < 8; mark++) {
    terminal.type(`mkdir own${mark}; sync > /dev/null; rmdir own${mark}; undo; !echo mark ${mark}`);
    terminal.keys('Enter');
    await terminal.shows(new RegExp(`^mark ${mark}\n`, 'm'));
    terminal.keys('Enter');
  }
  terminal.type('ls');
  terminal.keys('Enter');
  assert.doesNotMatch(await terminal.shows(/^own1.*own7$/m), /new state/);
});

test('at a terminal: a Store that another session makes meanwhile is read as it is', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  const terminal = new Terminal(t, scratch, ['-S', store]);
  await terminal.shows(/^vtftp:\/>$/m);
  await elsewhere(scratch, store, 'mkdir first');
  await showsSoon(terminal, /^new state @1 by \S+@\S+: mkdir first \(sync merges it\)$/m);
  terminal.type('sync > /dev/null; ls');
  terminal.keys('Enter');
  assert.doesNotMatch(await terminal.shows(/^first$/m), /warning/);
});

test('a script is told of no news, and neither is a session with -q', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  await elsewhere(scratch, store, 'mkdir first');
  const other = `!'${process.execPath}' '${PROGRAM}' -q -S '${store}' -c 'mkdir second; sync > /dev/null'`;
  const script = await vtftp(['-S', store, '-b', '-'], { env: scratch.env, cwd: scratch.folder, input: `${other}\npwd\npwd\n` });
  assert.equal(script.stderr, '', script.report);
  const quiet = new Terminal(t, scratch, ['-q', '-S', store]);
  await quiet.shows(/^vtftp:\/>$/m);
  await elsewhere(scratch, store, 'mkdir third');
  for (let mark = 1; mark < 10; mark++) {
    quiet.type(`!echo mark ${mark}`);
    quiet.keys('Enter');
    await quiet.shows(new RegExp(`^mark ${mark}\\nvtftp:.*>$`, 'm'));
  }
  quiet.type('sync > /dev/null; ls');
  quiet.keys('Enter');
  assert.doesNotMatch(await quiet.shows(/^first\s+second\s+third$/m), /new state/);
});
