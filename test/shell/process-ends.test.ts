import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, run, vtftp } from '../support/program.ts';
import { FakeS3 } from '../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../support/s3/s3-stores.ts';
import { makeScratch } from '../support/scratch.ts';
import { session } from '../support/shells/one-session.ts';

test('SIGUSR1 tells how far it is on one line, and SIGINT then cancels, saying so once', async (t) => {
  const scratch = makeScratch(t);
  const ended = await vtftp(['-S', scratch.path('store'), '-c', 'mkdir kept', '-c', "!sh -c 'echo ready; sleep 60'", '-c', 'mkdir never'], {
    env: scratch.env,
    during: async (program) => {
      await program.printed('ready');
      program.kill('SIGUSR1');
      await program.printed('idle');
      program.kill('SIGINT');
    },
  });
  assert.equal(ended.status, 130, ended.report);
  assert.equal(ended.stderr, 'idle\n!: cancelled\n');
  assert.match(ended.stdout, /^ready\nD\{.*\}\n$/);
  assert.equal((await session(scratch, 'ls')).stdout, 'kept\n');
});

test('a local command outside a terminal ends with all that it started when the session is ended', async (t) => {
  const scratch = makeScratch(t);
  const ended = await vtftp(['-S', scratch.path('store'), '-c', "!sh -c 'sleep 60 & echo pid $!; wait'"], {
    env: scratch.env,
    during: async (program) => {
      await program.printed('pid ');
      program.kill('SIGTERM');
    },
  });
  assert.equal(ended.status, 143, ended.report);
  const pid = Number(/pid (\d+)/.exec(ended.stdout)?.[1]);
  // A zombie that nobody has waited for yet counts as ended.
  const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] : 'Z';
  assert.equal(state, 'Z', ended.report);
});

test('SIGTERM and SIGINT end a session whose Store does not answer, before its first command', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start({ busy: Number.POSITIVE_INFINITY });
  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const asked = new Promise<void>((resolve) => fake.watchers.add(resolve));
    const ended = await vtftp(['-S', `s3://bucket/?endpoint=${fake.endpoint}`, '-c', 'ls'], {
      env: { ...scratch.env, ...keysIn(FAKE_KEYS) },
      during: async (program) => {
        await asked;
        program.kill(signal);
      },
    });
    assert.equal(ended.status, status, ended.report);
  }
});

test('SIGPIPE: a reader that goes ends the session quietly, and what was changed is kept', async (t) => {
  const scratch = makeScratch(t);
  const piped = await run(
    'sh',
    [
      '-c',
      `{ "$0" "$1" -S "$2" -c 'mkdir a; help; help; help; help; help; help; help; help; find'; echo "status $?" >&2; } | head -n 1`,
      process.execPath,
      PROGRAM,
      scratch.path('store'),
    ],
    { env: scratch.env },
  );
  assert.match(piped.stderr, /^status (141|0)\n$/, piped.report);
  assert.equal((await session(scratch, 'ls')).stdout, 'a\n');
});
