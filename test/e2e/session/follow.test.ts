import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { flock } from '../../../core/base/system/libc.ts';
import { isInstalled } from '../../support/needed-programs.ts';
import type { RunningProgram } from '../../support/program.ts';
import { PROGRAM, recited, run, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** A condition that does not come true in this time never does. */
const NEVER_MS = 60_000;

/** Waits for what another process does. */
async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const startMs = performance.now(); !(await isTrue()); await delay(30))
    assert.ok(performance.now() - startMs < NEVER_MS, `${what}: not in ${NEVER_MS} ms`);
}

interface TailRecord {
  readonly target: string;
  readonly state: string;
  readonly lag_bytes: number;
  readonly files: number;
  readonly dirref?: string;
}

/** What `tails` says, asked by a session of its own. */
async function tails({ env }: Scratch): Promise<TailRecord[]> {
  const asked = await vtftp(['--json', '-c', 'tails'], { env });
  assert.equal(asked.status, 0, asked.report);
  return asked.stdout
    .split('\n')
    .filter((line) => line.includes('"target"'))
    .map((line) => JSON.parse(line) as TailRecord);
}

async function caughtUp(scratch: Scratch, what: string): Promise<void> {
  await until(what, async () => (await tails(scratch)).every(({ lag_bytes: lag }) => lag === 0));
}

async function cat({ env }: Scratch, path: string): Promise<string> {
  const shown = await vtftp(['-c', `cat ${path}`], { env });
  assert.equal(shown.status, 0, shown.report);
  return shown.stdoutBytes.toString();
}

/** Follows as a daemon while `act` is at work, and ends it by SIGTERM. @returns the Dirref that it recited */
async function daemon(scratch: Scratch, line: string, act: (program: RunningProgram) => Promise<void>): Promise<string> {
  const ended = await vtftp(['-c', `${line}; wait`], {
    env: scratch.env,
    during: async (program) => {
      await program.printed(' into ');
      try {
        await act(program);
      } finally {
        program.kill('SIGTERM');
      }
    },
  });
  assert.equal(ended.status, 143, ended.report);
  const last = ended.stderr.trimEnd().split('\n').at(-1) ?? '';
  assert.match(last, /^D\{/, ended.report);
  return last;
}

test('a daemon follows files until SIGTERM, records each state, and recites the last', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const log = `${scratch.mkdir('logs')}/app.log`;
  writeFileSync(log, 'one\n');
  const root = await daemon(scratch, `follow ${scratch.folder}/logs/*.log logs`, async (program) => {
    const [first] = await tails(scratch);
    assert.deepEqual([first?.target, first?.state, first?.files], ['/logs', 'elsewhere', 1]);
    appendFileSync(log, 'two\n');
    await caughtUp(scratch, 'an append');
    const newest = JSON.parse((await vtftp(['--json', '-c', 'log -n 1'], { env })).stdout) as { readonly reference: string };
    assert.equal((await tails(scratch))[0]?.dirref, newest.reference, 'the root that the numbers stand for');
    writeFileSync(`${scratch.folder}/logs/b.log`, 'later\n');
    await until('a new file', async () => (await tails(scratch))[0]?.files === 2);
    const second = await vtftp(['-c', `follow ${log} logs`], { env });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /already/);
    const ended = await vtftp(['-c', 'untail logs'], { env });
    assert.match(ended.stderr, new RegExp(`process ${program.pid} `));
    appendFileSync(log, 'the last one, unseen\n');
  });
  assert.equal(await cat(scratch, 'logs/app.log'), readFileSync(log, 'utf8'));
  assert.equal(await cat(scratch, 'logs/b.log'), 'later\n');
  const again = await vtftp(['-c', 'ls; quit'], { env });
  assert.equal(recited(again), root);
  const states = await vtftp(['-c', 'log logs/app.log'], { env });
  assert.ok(states.stdout.trimEnd().split('\n').length >= 3, states.report);
  const past = await vtftp(['-c', `get logs/app.log@1 ${scratch.path('past')}`], { env });
  assert.equal(past.status, 0, past.report);
  assert.equal(readFileSync(scratch.path('past'), 'utf8'), 'one\n');
  const forgotten = await vtftp(['-c', 'untail logs; tails'], { env });
  assert.equal(forgotten.stdout, '', forgotten.report);
});

test('what nobody follows any more is forgotten, also of a Store that is gone, and leaves nothing behind', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const log = `${scratch.mkdir('logs')}/app.log`;
  writeFileSync(log, 'one\n');
  for (const store of ['first', 'second', 'third']) {
    const ran = await vtftp(['-S', scratch.path(store), '-c', `follow ${log} ${store === 'third' ? 'other' : 'app.log'}`], { env });
    assert.equal(ran.status, 0, ran.report);
  }
  const doubtful = await vtftp(['-c', 'untail app.log'], { env });
  assert.equal(doubtful.status, 1, doubtful.report);
  assert.match(doubtful.stderr, /first.*second|second.*first/);
  const other = await vtftp(['-c', 'untail other'], { env });
  assert.equal(other.status, 0, other.report);
  rmSync(scratch.path('first'), { recursive: true });
  const listed = await vtftp(['-c', 'tails'], { env });
  assert.match(listed.stdout, /first, which is gone/);
  const gone = await vtftp(['-c', 'untail --gone'], { env });
  assert.match(gone.stdout, /forgotten: .*app\.log into \/app\.log, Store .*first/);
  const last = await vtftp(['-S', scratch.path('second'), '-c', 'untail app.log; tails'], { env });
  assert.equal(last.stdout, '', last.report);
  assert.deepEqual(readdirSync(`${env['XDG_STATE_HOME']}/vtftp/tails`), []);
});

test('a watch in a watch is refused, here and where another process watches', async (t) => {
  const scratch = makeScratch(t);
  const folder = scratch.mkdir('tree');
  mkdirSync(`${folder}/below`);
  writeFileSync(`${folder}/below/file`, 'text');
  await daemon(scratch, `watch ${folder} w`, async () => {
    for (const line of [`watch ${folder}/below w/below`, `follow ${folder}/below/file w/log`]) {
      const refused = await vtftp(['-c', line], { env: scratch.env });
      assert.equal(refused.status, 2, refused.report);
      assert.match(refused.stderr, /is watched into "\/w"/);
    }
  });
  const here = await vtftp(['-c', `mkdir a; watch ${folder}/below a/below; watch ${folder} a`], { env: scratch.env });
  assert.match(here.stderr, /is watched into "\/a\/below"/);
});

test("those who list tails are in nobody's way", async (t) => {
  const scratch = makeScratch(t);
  const log = `${scratch.mkdir('logs')}/app.log`;
  writeFileSync(log, 'one\n');
  const ran = await vtftp(['-c', `follow ${log} app.log`], { env: scratch.env });
  assert.equal(ran.status, 0, ran.report);
  const names = readdirSync(`${scratch.env['XDG_STATE_HOME']}/vtftp/tails`).filter((name) => name.endsWith('.lock'));
  const fd = openSync(`${scratch.env['XDG_STATE_HOME']}/vtftp/tails/${names[0]}`, 'r');
  assert.ok(flock(fd, 'shared', true));
  const looking = delay(200).then(() => closeSync(fd));
  const again = await vtftp(['-c', `follow ${log} app.log`], { env: scratch.env });
  await looking;
  assert.equal(again.status, 0, again.report);
});

test('what is appended is recorded in less than two seconds, as tail -f of the stored form shows', async (t) => {
  const scratch = makeScratch(t);
  const log = `${scratch.mkdir('logs')}/app.log`;
  writeFileSync(log, 'first\n');
  // In one session: followed in the background, while another command shows the stored form.
  const shown = await vtftp(['-c', `follow ${log} app.log; tail -f app.log`], {
    env: scratch.env,
    during: async (program) => {
      await program.printed('first');
      const startMs = performance.now();
      appendFileSync(log, 'appended\n');
      await program.printed('appended');
      t.diagnostic(`${Math.round(performance.now() - startMs)} ms`);
      program.kill('SIGTERM');
    },
  });
  assert.match(shown.stdout, /first\nappended\n/, shown.report);
});

test('what was followed into a Dir that was not there is recorded, and read again after its Store was made anew', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const log = `${scratch.mkdir('logs')}/app.log`;
  writeFileSync(log, 'one\n'.repeat(9000));
  const store = scratch.path('store');
  const follow = async (name: string): Promise<Awaited<ReturnType<typeof vtftp>>> =>
    await vtftp(['-S', store, '-c', `follow ${log} ${name}; cat ${name}`], { env });
  const first = await follow('deep/er/app.log');
  assert.equal(first.status, 0, first.report);
  rmSync(store, { recursive: true });
  appendFileSync(log, 'two\n');
  const anew = await follow('deep/er/app.log');
  assert.equal(anew.status, 0, anew.report);
  assert.ok(anew.stdout.includes(readFileSync(log, 'utf8')), anew.report);
  assert.match(anew.stderr, /not in the Store any more: all of it is read from the file again/);
});

test('what could not begin leaves no checkpoint', async (t) => {
  const scratch = makeScratch(t);
  const log = `${scratch.mkdir('logs')}/app.log`;
  writeFileSync(log, 'one\n');
  const refused = await vtftp(['-c', `touch f; follow ${log} f/app.log`], { env: scratch.env });
  assert.equal(refused.status, 1, refused.report);
  assert.match(refused.stderr, /follow: \/f: not a directory/);
  assert.deepEqual(readdirSync(`${scratch.env['XDG_STATE_HOME']}/vtftp/tails`), []);
});

test('logrotate itself, by rename and by copy', {
  skip: isInstalled('logrotate', '/usr/sbin:/usr/bin') ? false : 'no logrotate',
}, async (t) => {
  for (const way of ['create', 'copytruncate']) {
    const scratch = makeScratch(t);
    const log = `${scratch.mkdir('logs')}/app.log`;
    const config = scratch.path('rotate.conf');
    writeFileSync(config, `"${log}" {\n  rotate 5\n  ${way}\n  nocompress\n  su root root\n}\n`);
    let written = '';
    const write = (text: string): void => {
      appendFileSync(log, text);
      written += text;
    };
    write('before\n'.repeat(500));
    await daemon(scratch, `follow ${log} app.log`, async () => {
      for (let round = 0; round < 3; round++) {
        write(`round ${round}\n`);
        const rotated = await run('/usr/sbin/logrotate', ['-f', '-s', scratch.path('state'), config]);
        assert.equal(rotated.status, 0, rotated.report);
        assert.ok(existsSync(`${log}.1`));
        write(`after ${round}\n`);
        await caughtUp(scratch, way);
      }
    });
    assert.equal(await cat(scratch, 'app.log'), written, way);
  }
});

test('rsyslogd and logger', { skip: isInstalled('rsyslogd', '/usr/sbin') ? false : 'no rsyslogd' }, async (t) => {
  const scratch = makeScratch(t);
  const log = `${scratch.mkdir('logs')}/syslog`;
  const socket = scratch.path('log.sock');
  const config = scratch.path('rsyslog.conf');
  writeFileSync(
    config,
    `module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="${socket}")\n*.* action(type="omfile" file="${log}")\n`,
  );
  const server = spawn('/usr/sbin/rsyslogd', ['-n', '-f', config, '-i', scratch.path('pid')], { stdio: 'ignore' });
  const stopped = new Promise((resolve) => server.once('close', resolve));
  try {
    await until('rsyslogd', () => existsSync(socket));
    await daemon(scratch, `follow ${log} syslog`, async () => {
      for (let i = 0; i < 20; i++) {
        const said = await run('logger', ['-u', socket, '-d', '-t', 'vtftp-test', `message ${i}`]);
        assert.equal(said.status, 0, said.report);
      }
      await until('all messages', () => existsSync(log) && readFileSync(log, 'utf8').includes('message 19'));
      await caughtUp(scratch, 'rsyslogd');
    });
  } finally {
    server.kill('SIGTERM');
    await stopped;
  }
  const stored = await cat(scratch, 'syslog');
  assert.ok(readFileSync(log, 'utf8').startsWith(stored));
  for (let i = 0; i < 20; i++) assert.equal(stored.split(`message ${i}\n`).length, 2);
});

/** A recipe of docs/growing-files.md, by the comment before it. */
function recipeOf(name: string): string {
  const text = readFileSync(`${PROJECT_ROOT}/docs/growing-files.md`, 'utf8');
  const found = new RegExp(`<!-- ${name} -->\\n+\`\`\`sh\\n([^]*?)\`\`\``).exec(text)?.[1];
  assert.ok(found !== undefined, `docs/growing-files.md has no command "${name}"`);
  return found;
}

/** Runs a recipe as it stands, in a home of its own, while `act` is at work. */
async function recipe(t: TestContext, scratch: Scratch, name: string, act: () => Promise<void>): Promise<string> {
  const bin = scratch.mkdir('bin');
  writeFileSync(`${bin}/vtftp`, `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`, { mode: 0o755 });
  // The daemon goes on in the background; what the recipe asks of it comes once it has something.
  const [begin = '', ...later] = recipeOf(name).split(/(?<=&)\n/);
  const env = { ...scratch.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const shell = spawn('bash', ['-c', `${begin}\necho begun; wait`], { env: { ...process.env, ...env }, stdio: 'ignore', detached: true });
  const closed = new Promise((resolve) => shell.once('close', resolve));
  try {
    await until(
      `the daemon of "${name}"`,
      async () => (await tails(scratch)).length > 0 || existsSync(`${scratch.env['XDG_STATE_HOME']}/vtftp/tails`),
    );
    await act();
    const ran = await run('bash', ['-ec', later.join('\n')], { env, cwd: scratch.folder });
    assert.equal(ran.status, 0, ran.report);
    return ran.stdout;
  } finally {
    if (shell.pid !== undefined && shell.exitCode === null) process.kill(-shell.pid, 'SIGTERM');
    await closed;
    // The daemon ends later than the shell that began it, which it does not wait for.
    await until(`the end of "${name}"`, async () => !(await isAlive(shell.pid)));
    t.diagnostic(`${name}: done`);
  }
}

/** Whether any process of a group runs, or waits for something: those that ended, and that nobody asked about, do not. */
async function isAlive(group: number | undefined): Promise<boolean> {
  return group !== undefined && (await run('pgrep', ['-g', String(group), '-r', 'D,R,S,T'])).status === 0;
}

test('the recipe for a mail archive, with mails that procmail delivers', {
  skip: isInstalled('procmail') ? false : 'no procmail',
}, async (t) => {
  const scratch = makeScratch(t);
  const home = scratch.env['HOME'] ?? '';
  mkdirSync(`${home}/mail`);
  const rc = scratch.path('procmailrc');
  writeFileSync(rc, `MAILDIR=${home}/mail\nDEFAULT=${home}/mail/inbox\nLOGFILE=${scratch.path('procmail.log')}\n`);
  await recipe(t, scratch, 'command: mail archive', async () => {
    for (let i = 0; i < 5; i++) {
      const mail = `From: somebody@example.org\nTo: reader@example.org\nSubject: mail ${i}\nMessage-ID: <${i}@example.org>\n\nText of mail ${i}.\n`;
      const delivered = await run('procmail', ['-m', rc], { input: mail });
      assert.equal(delivered.status, 0, delivered.report);
    }
    const inbox = readFileSync(`${home}/mail/inbox`, 'utf8');
    await until('all mails', async () => {
      const shown = await vtftp(['-c', 'cat mail/inbox'], { env: scratch.env });
      return shown.stdoutBytes.toString() === inbox;
    });
  });
  assert.ok(statSync(`${home}/old-inbox`).size > 0);
});

test('the recipe for logs', async (t) => {
  const scratch = makeScratch(t);
  const logs = scratch.path('home/logs');
  mkdirSync(logs);
  writeFileSync(`${logs}/web.log`, 'request 1\n');
  const shown = await recipe(t, scratch, 'command: logs', async () => {
    await until('the first lines', async () => (await vtftp(['-c', 'ls logs'], { env: scratch.env })).stdout.includes('web.log'));
    appendFileSync(`${logs}/web.log`, 'request 2\n');
    await caughtUp(scratch, 'the second line');
    await until('the second line', async () => (await cat(scratch, 'logs/web.log')).includes('request 2'));
  });
  assert.match(shown, /request 2/);
});
