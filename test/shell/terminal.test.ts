import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PROGRAM, run } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../support/shells/terminal.ts';

test('at a terminal: prompt, prefixes, completion of commands and of both sides, quoting as needed', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  scratch.mkdir('local dir');
  writeFileSync(scratch.path('local dir/the file'), 'content\n');
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type('mkd docs');
  terminal.keys('Enter');
  await terminal.shows(/^vtftp:\/\*>$/m);
  terminal.type('cd do');
  terminal.keys('Tab');
  await terminal.shows(/cd docs\/$/m);
  terminal.keys('Enter');
  await terminal.shows(/^vtftp:\/docs\*>$/m);
  terminal.type('put lo');
  terminal.keys('Tab');
  await terminal.shows(/put local\\ dir\/$/m);
  terminal.keys('Tab');
  await terminal.shows(/put local\\ dir\/the\\ file/m);
  terminal.keys('Enter');
  await terminal.shows(/1 file/);
  terminal.type('cat th');
  terminal.keys('Tab', 'Enter');
  await terminal.shows(/^content$/m);
  terminal.type('ls --rec');
  terminal.keys('Tab', 'Enter');
  await terminal.shows(/ls --recursive/);
});

test(
  'at a terminal: ~ completes outside of quotes, lists hold base names, and each argument offers what it takes',
  NEEDS_TMUX,
  async (t) => {
    const scratch = makeScratch(t);
    for (const name of ['home/My Docs/a', 'home/My Docs/b b', 'place']) scratch.mkdir(name);
    writeFileSync(scratch.path('plain'), '');
    const terminal = new Terminal(t, scratch, ['-S', scratch.path('store'), '-c', 'mkdir note', '-c', 'sync', '-i']);
    const shows = async (typed: string, tabs: number, pattern: RegExp): Promise<void> => {
      terminal.keys('C-u', 'C-l');
      terminal.type(typed);
      for (let tab = 0; tab < tabs; tab++) terminal.keys('Tab');
      await terminal.shows(pattern);
    };
    await terminal.shows(/^vtftp:\/>$/m);
    await shows('put ~/M', 1, /put ~\/My\\ Docs\/$/m);
    terminal.keys('Tab', 'Tab');
    await terminal.shows(/^a\/ +b\\ b\/$/m);
    terminal.type('b');
    terminal.keys('Tab');
    await terminal.shows(/put ~\/My\\ Docs\/b\\ b\/$/m);
    await shows("put 'home/My", 1, /put 'home\/My Docs\/$/m);
    await shows('lcd p', 1, /lcd place\/$/m);
    await shows('set one', 1, /set onerror$/m);
    terminal.keys('Tab', 'Tab');
    await terminal.shows(/^continue +stop$/m);
    await shows('get --owner=num', 1, /get --owner=numeric$/m);
    await shows('ls note@', 1, /ls note@1$/m);
  },
);

test(
  'at a terminal: Ctrl-C drops a line and cancels a command, Ctrl-D is QUIT, errors and unfinished quotes end nothing',
  NEEDS_TMUX,
  async (t) => {
    const scratch = makeScratch(t);
    const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
    await terminal.shows(/^vtftp:\/>$/m);
    terminal.type('rm -r everything');
    await terminal.shows(/everything$/m);
    terminal.keys('C-c');
    await terminal.shows(/everything\^C\nvtftp:\/>$/m);
    terminal.type("lcd 'a");
    terminal.keys('Enter');
    await terminal.shows(/^>$/m);
    terminal.type("b'");
    terminal.keys('Enter');
    await terminal.shows(/lcd: a\\nb: no such directory/);
    terminal.type("mkdir 'never");
    terminal.keys('Enter');
    await terminal.shows(/never\n>$/m);
    terminal.keys('C-c');
    await terminal.shows(/>\s+\^C\nvtftp:\/>$/m);
    terminal.type('.exit');
    terminal.keys('Enter');
    await terminal.shows(/\.exit: no such command/);
    terminal.type("!sh -c 'echo begun; exec sleep 100'");
    terminal.keys('Enter');
    await terminal.shows(/^begun$/m);
    terminal.keys('C-c');
    await terminal.shows(/ended with status 130/);
    // At once, whether the line has begun or not.
    terminal.type('!sleep 100');
    terminal.keys('Enter', 'C-c');
    terminal.type('lpwd; pwd');
    terminal.keys('Enter');
    await terminal.shows(/^\/.+\n\/$/m);
    terminal.type('mkdir done; pwd');
    terminal.keys('Enter');
    await terminal.shows(/done; pwd\n\/$/m);
    terminal.keys('C-d');
    const screen = await terminal.shows(/ended with 0/);
    assert.match(screen, /^D\{block:.*\}\nended with 0/m);
  },
);

test('at a terminal: Ctrl-C in one command after another, and at the prompt, leaves none of them behind', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'shown\n');
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store'), '-c', 'put f', '-i']);
  await terminal.shows(/^vtftp:\/\*?>$/m);
  for (let i = 1; i <= 2; i++) {
    terminal.type('tail -f f');
    terminal.keys('Enter');
    await terminal.shows(new RegExp(`(?:tail -f f\\nshown[^]*){${i}}`));
    terminal.keys('C-c');
    await terminal.shows(new RegExp(`(?:cancelling; Ctrl-C again leaves at once\\n[^]*){${i}}vtftp:/\\*?>$`));
  }
  terminal.keys('C-c');
  terminal.type('mkdir goes on; ls');
  terminal.keys('Enter');
  await terminal.shows(/^f +goes +on$/m);
});

test('at a terminal: a line that was begun while a command ran is gone on with at its end', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  assert.equal((await run('mkfifo', [scratch.path('fifo')])).status, 0);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  // A Store that says nothing until it is told to.
  terminal.type("open '!cat fifo'");
  terminal.keys('Enter');
  await terminal.shows(/cat fifo'$/m);
  terminal.type('ec');
  writeFileSync(scratch.path('fifo'), 'no Store\n');
  await terminal.shows(/^vtftp:\/> ec$/m);
  terminal.type('hoo on');
  terminal.keys('Enter');
  await terminal.shows(/echoo: no such command/);
});

test('at a terminal: lines typed ahead appear at the prompts that run them; Ctrl-C drops them with the command', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const fifos = ['first', 'second'].map((name) => scratch.path(name));
  assert.equal((await run('mkfifo', fifos)).status, 0);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type("open '!cat first'");
  terminal.keys('Enter');
  await terminal.shows(/cat first'$/m);
  for (const line of ['mkdir made', 'cd m\t', 'pwd']) {
    terminal.type(line);
    terminal.keys('Enter');
  }
  writeFileSync(scratch.path('first'), 'no Store\n');
  // The Tab completes at its own prompt.
  await terminal.shows(/^vtftp:\/> mkdir made\nvtftp:\/\*> cd made\/\nvtftp:\/made\*> pwd\n\/made\nvtftp:\/made\*>$/m);
  terminal.type("open '!cat second'");
  terminal.keys('Enter');
  await terminal.shows(/cat second'$/m);
  terminal.type('rm -r /made');
  terminal.keys('Enter', 'C-c');
  await terminal.shows(/cancelled/);
  terminal.type('ls -1 /');
  terminal.keys('Enter');
  assert.doesNotMatch(await terminal.shows(/^made$/m), /rm -r/);
});

test('at a terminal: what is pasted never runs by itself, and lines typed ahead run in order', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.paste('mkdir one\nmkdir two\n');
  await terminal.shows(/mkdir one⏎mkdir two$/m);
  terminal.keys('Enter');
  await terminal.shows(/^vtftp:\/\*>$/m);
  terminal.type('!sleep 0.2');
  terminal.keys('Enter');
  terminal.type('ls -1');
  terminal.keys('Enter');
  terminal.type('cd one');
  terminal.keys('Enter');
  terminal.type('pwd');
  terminal.keys('Enter');
  const screen = await terminal.shows(/^\/one$/m);
  assert.match(screen, /one\ntwo\n/);
});

test('at a terminal: lines are kept in a history file for their owner alone, and come back in the next session', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const first = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await first.shows(/^vtftp:\/>$/m);
  first.type('mkdir remembered');
  first.keys('Enter');
  await first.shows(/^vtftp:\/\*>$/m);
  first.type('exit 5');
  first.keys('Enter');
  await first.shows(/ended with 5/);
  const file = scratch.path('home/state/vtftp/history');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, 'utf8'), /mkdir remembered/);
  const second = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await second.shows(/^vtftp:\/>$/m);
  second.keys('Up', 'Up');
  await second.shows(/mkdir remembered$/m);
  second.keys('C-c');
  second.type('history 1');
  second.keys('Enter');
  await second.shows(/^ *\d+ {2}history 1$/m);
});

test('at a terminal: names cannot give orders to it', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type(String.raw`touch $'a\e[2Jb\n\xff'; ls`);
  terminal.keys('Enter');
  await terminal.shows(/^\$'a\\e\[2Jb\\n\\xff'$/m);
});

/** Runs a program in a terminal of its own, does something at its prompt, closes the terminal, and prints how the program ended. */
const CLOSED_TERMINAL = String.raw`
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.dup2(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), 2)
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b''
def until(text):
    global shown
    while text not in shown: shown += os.read(terminal, 4096)
    shown = b''
until(b'vtftp:/> ')
os.write(terminal, b'mkdir kept\r')
until(b'vtftp:/*> ')
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

test('where the terminal is closed at the prompt, what was changed is synced, and the program ends in order', async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  const errors = scratch.path('errors');
  const closed = await run('python3', ['-c', CLOSED_TERMINAL, errors, process.execPath, PROGRAM, '-S', store], { env: scratch.env });
  assert.equal(closed.stdout, '143\n', closed.report);
  // The banner, and the Dirref, as after any SIGHUP.
  assert.match(readFileSync(errors, 'utf8'), /^vtftp .*\nD\{block:.*\}\n$/);
  const { stdout } = await run(process.execPath, [PROGRAM, '-S', store, '-c', 'ls'], { env: scratch.env });
  assert.equal(stdout, 'kept\n');
});

test('at a terminal: a prompt leaves standing what does not end in a newline', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('unended'), 'first\nlast');
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type('put unended; cat unended');
  terminal.keys('Enter');
  await terminal.shows(/^first\nlast\nvtftp:\/\*>$/m);
});

test('at a terminal: what is drawn is as wide as the terminal is now', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.resize(30, 40);
  terminal.type('touch aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd; ls');
  terminal.keys('Enter');
  await terminal.shows(/^aaaaaaaaaa {2}cccccccccc\nbbbbbbbbbb {2}dddddddddd$/m);
});

test('at a terminal: no prompt is drawn into the output of a line that runs when the size changes', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  await run('mkfifo', [scratch.path('fifo')]);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type(`!sh -c 'echo started; read x <${scratch.path('fifo')}; echo $x'`);
  terminal.keys('Enter');
  await terminal.shows(/^started$/m);
  for (const columns of [60, 50, 70]) terminal.resize(columns, 40);
  await delay(300);
  await run('sh', ['-c', `echo ended >${scratch.path('fifo')}`]);
  await terminal.shows(/^started\nended\nvtftp:\/>$/m);
});

test('at a terminal: lists of options, states and settings say what each is; a bookmark is opened by its name', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store'), '-c', 'mkdir -p docs/photos; sync; mkdir more; sync', '-i']);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type('get --own');
  terminal.keys('Tab');
  await terminal.shows(/get --owner$/m);
  terminal.keys('C-u');
  terminal.type('cd @');
  terminal.keys('Tab', 'Tab');
  await terminal.shows(/^@1 {2}\d{4}-\d\d-\d\d \S+ {2}mkdir -p docs\/photos\n+@2 .* mkdir more\n+vtftp:\/> cd @$/m);
  terminal.keys('C-u', 'C-l');
  terminal.type('du --');
  terminal.keys('Tab', 'Tab');
  const listed = await terminal.shows(/^--human .*powers of 1024[\s\S]*vtftp:\/> du --$/m);
  assert.equal(listed.match(/^--human/gm)?.length, 1);
  terminal.keys('C-u', 'C-l');
  terminal.type('cd docs/photos; bookmark pics; cd /; bookmark');
  terminal.keys('Enter');
  await terminal.shows(/^pics {2}\/\S+\/store {2}\/docs\/photos$/m);
  terminal.type('op');
  terminal.keys('Tab');
  terminal.type('pi');
  terminal.keys('Tab', 'Enter');
  await terminal.shows(/^vtftp:\/docs\/photos>$/m);
});

test('at a terminal: a line of the history is suggested behind the cursor, and End takes it', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store'), '--color=always'], { NO_COLOR: '' });
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type('mkdir -p some/where');
  terminal.keys('Enter');
  await terminal.shows(/^vtftp:\/\*>$/m);
  terminal.type('mk');
  await terminal.shows(/^vtftp:\/\*> mkdir -p some\/where$/m);
  // What is suggested is not typed.
  terminal.type('dir other');
  await terminal.shows(/^vtftp:\/\*> mkdir other$/m);
  terminal.keys('Enter');
  await terminal.shows(/^vtftp:\/\*>$/m);
  terminal.type('mkdir -');
  await terminal.shows(/^vtftp:\/\*> mkdir -p some\/where$/m);
  terminal.keys('End');
  terminal.type('else');
  terminal.keys('Enter');
  terminal.type('set suggest off; ls some');
  terminal.keys('Enter');
  await terminal.shows(/^where {2}whereelse$/m);
  terminal.type('mk');
  terminal.keys('Left', 'Right');
  await terminal.shows(/> mk$/m);
  terminal.keys('C-u', 'C-r');
  terminal.type('oth');
  await terminal.shows(/mkdir other\n+bck-i-search: oth_$/m);
});

test('at a terminal: what lls lists goes into a pipe or a file, and keys are read once afterwards', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  for (const name of ['one', 'two']) writeFileSync(scratch.path(name), '');
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type('lls one two | tail -1; lls one > listed; lls one | wc -l');
  terminal.keys('Enter');
  await terminal.shows(/^two\n+1$/m);
  terminal.type('!cat listed');
  terminal.keys('Enter');
  await terminal.shows(/> !cat listed\n+one\n+vtftp/m);
});

test('at a terminal: Ctrl-Z where no shell could let it go on changes nothing, and the line editor goes on', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.keys('C-z');
  // Only the editor knows what Ctrl-A and Ctrl-D are.
  for (const end = Date.now() + 20_000; !/> wd$/m.test(terminal.screen) && Date.now() < end; ) {
    terminal.keys('C-e', 'C-u');
    terminal.type('pwd');
    terminal.keys('C-a', 'C-d');
    await delay(100);
  }
  terminal.keys('C-e', 'C-u');
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.paste('mkdir one\nmkdir two');
  await terminal.shows(/> mkdir one⏎mkdir two$/m);
  terminal.keys('Enter');
  await terminal.shows(/^vtftp:\/\*>$/m);
  assert.doesNotMatch(terminal.screen, /\^\[/);
});
