import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { vtftp } from '../support/program.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../support/shells/terminal.ts';

/** FIFOs that `put` reads for as long as the test wants, and a terminal with a shell. */
async function opened(t: TestContext, fifos: readonly string[]): Promise<{ readonly scratch: Scratch; readonly terminal: Terminal }> {
  const scratch = makeScratch(t);
  for (const fifo of fifos) execFileSync('mkfifo', [scratch.path(fifo)]);
  const terminal = new Terminal(t, scratch, ['-S', scratch.path('store')]);
  await terminal.shows(/^vtftp:\/>$/m);
  return { scratch, terminal };
}

/** The writing end of a FIFO that a job reads. */
async function feed(
  t: TestContext,
  path: string,
): Promise<{ readonly write: (text: string) => Promise<unknown>; readonly end: () => Promise<void> }> {
  const handle = await open(path, 'w');
  t.after(() => handle.close().catch(() => undefined));
  return { write: (text) => handle.write(text), end: () => handle.close() };
}

describe('jobs at a terminal', () => {
  it('a line with & runs beside the prompt, which counts it; its end is told above the prompt', NEEDS_TMUX, async (t) => {
    const { scratch, terminal } = await opened(t, ['slow']);
    terminal.type('put --read-special slow kept &');
    terminal.keys('Enter');
    await terminal.shows(/^\[1\] put --read-special slow kept$/m);
    await terminal.shows(/^vtftp:\/ \[1 job\]>$/m);
    terminal.type('mkdir beside; ls');
    terminal.keys('Enter');
    await terminal.shows(/^beside$/m);
    terminal.type('jobs');
    terminal.keys('Enter');
    await terminal.shows(/^\[1\] running: put --read-special slow kept/m);
    const slow = await feed(t, scratch.path('slow'));
    await slow.write('what the job keeps\n');
    terminal.type('typed mean');
    await terminal.shows(/typed mean$/m);
    await slow.end();
    await terminal.shows(/^\[1\] done: put --read-special slow kept$/m);
    await terminal.shows(/^vtftp:\/\*> typed mean$/m);
    terminal.keys('C-u');
    terminal.type('cat kept');
    terminal.keys('Enter');
    await terminal.shows(/^what the job keeps$/m);
  });

  it('kill cancels a job, and nothing of it stays; the others go on', NEEDS_TMUX, async (t) => {
    const { scratch, terminal } = await opened(t, ['one', 'two']);
    terminal.type('put --read-special one a & put --read-special two b &');
    terminal.keys('Enter');
    await terminal.shows(/^vtftp:\/ \[2 jobs\]>$/m);
    const [one, two] = [await feed(t, scratch.path('one')), await feed(t, scratch.path('two'))];
    await one.write('x');
    terminal.type('kill %1');
    terminal.keys('Enter');
    await terminal.shows(/^\[1\] cancelled: put --read-special one a$/m);
    await one.end();
    await two.write('y');
    await two.end();
    await terminal.shows(/^\[2\] done: put --read-special two b$/m);
    terminal.type('ls');
    terminal.keys('Enter');
    await terminal.shows(/> ls\nb$/m);
    terminal.type('kill 7');
    terminal.keys('Enter');
    await terminal.shows(/^kill: there is no job 7 \(jobs lists them\)$/m);
  });

  it('wait shows a line of progress for each job; Ctrl-C ends it alone, and quit waits for the rest', NEEDS_TMUX, async (t) => {
    const { scratch, terminal } = await opened(t, ['one', 'two']);
    terminal.type('put --read-special one a & put --read-special two b & wait');
    terminal.keys('Enter');
    const [one, two] = [await feed(t, scratch.path('one')), await feed(t, scratch.path('two'))];
    const chunk = 'some text of a file that grows\n'.repeat(2000);
    let isOver = false;
    const feeding = (async () => {
      for (let i = 0; !isOver && i < 2000; i++) await Promise.all([one.write(chunk), two.write(chunk)]);
    })();
    await terminal.shows(/^\[1\] put: .*\n\[2\] put: /m);
    isOver = true;
    await feeding;
    terminal.keys('C-c');
    await terminal.shows(/^vtftp:\/ \[2 jobs\]>$/m);
    terminal.type('quit');
    terminal.keys('Enter');
    await terminal.shows(/^waiting for 2 jobs; Ctrl-C cancels them$/m);
    await one.end();
    await two.end();
    await terminal.shows(/^D\{[\s\S]*^ended with 0$/m);
  });

  it('one that fails is told of with its status, and the session ends with 0 all the same', NEEDS_TMUX, async (t) => {
    const { terminal } = await opened(t, []);
    terminal.type('put nothing-there &');
    terminal.keys('Enter');
    await terminal.shows(/^put: .*nothing-there: no such file or directory$/m);
    await terminal.shows(/^\[1\] failed \(1\): put nothing-there$/m);
    terminal.keys('C-d');
    await terminal.shows(/^ended with 0$/m);
  });

  it('the prompt is what is set, in the rc file too', NEEDS_TMUX, async (t) => {
    const scratch = makeScratch(t);
    writeFileSync(scratch.path('my-rc'), "set prompt '%%%w%c%j ~ '\n");
    const terminal = new Terminal(t, scratch, ['-S', scratch.path('store'), '--rc', scratch.path('my-rc')]);
    await terminal.shows(/^%\/ ~$/m);
    terminal.type('mkdir x; cd x');
    terminal.keys('Enter');
    await terminal.shows(/^%\/x\* ~$/m);
    terminal.type("set prompt ''");
    terminal.keys('Enter');
    await terminal.shows(/^vtftp:\/x\*>$/m);
  });
});

/** Lines in scripts, with status, output and a part of what went wrong. */
const SCRIPTS: readonly (readonly [line: string, status: number, stdout: string, stderr: RegExp])[] = [
  ['mkdir a & wait; mkdir b & wait; ls', 0, 'a\nb\n', /^$/],
  ['mkdir a && mkdir a/b & wait; ls a', 0, 'b\n', /^$/],
  ['put nothing & wait; ls', 1, '', /^put: .*nothing: no such file/],
  ['put nothing & wait || mkdir c; ls', 0, 'c\n', /^put: .*nothing: no such file/],
  ['put nothing & mkdir a', 1, '', /^put: .*nothing: no such file/],
  ['put nothing || mkdir d & wait 1; ls', 0, 'd\n', /^put: .*nothing: no such file/],
  ['mkdir e; cd e & wait; pwd', 0, '/\n', /^$/],
  ['mkdir a & wait 2', 2, '', /^wait: there is no job 2/],
  ['open memory: & wait', 1, '', /^open: not in a job/],
  ['quit & wait', 1, '', /^quit: not in a job/],
  ['kill x', 2, '', /^kill: x: expected the number of a job/],
  ['jobs', 0, '', /^$/],
];

describe('jobs in scripts', () => {
  for (const [line, status, stdout, stderr] of SCRIPTS) {
    it(line, async (t) => {
      const scratch = makeScratch(t);
      const ran = await vtftp(['-q', '-S', 'memory:', '-c', line], { env: scratch.env, cwd: scratch.folder });
      assert.equal(ran.status, status, ran.report);
      assert.equal(ran.stdout, stdout, ran.report);
      assert.match(ran.stderr, stderr, ran.report);
    });
  }

  it('under --json name their job, and tell of its end', async (t) => {
    const scratch = makeScratch(t);
    const input = '{"id":1,"command":"mkdir a &"}\n{"id":2,"argv":["wait","1"]}\n';
    const ran = await vtftp(['--json', '-S', 'memory:'], { env: scratch.env, cwd: scratch.folder, input });
    const answers = ran.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));
    assert.deepEqual(answers[0], { id: 1, job: 1, line: 'mkdir a' }, ran.report);
    assert.ok(
      answers.some(({ job, command, changed }) => job === 1 && command === 'mkdir' && changed === true),
      ran.report,
    );
    assert.ok(
      answers.some(({ job, state, status }) => job === 1 && state === 'done' && status === 0),
      ran.report,
    );
  });
});
