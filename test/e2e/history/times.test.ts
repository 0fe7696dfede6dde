import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatArchiveLine, parseArchiveLine } from '../../../core/archive/archive-line.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

for (const TZ of ['EST5EDT4,M3.2.0,M11.1.0', 'Europe/Berlin', 'UTC']) {
  test(`the times that log, stat and ls show are in one zone, and can be typed back: ${TZ}`, async (t) => {
    const scratch = makeScratch(t);
    const env = { ...scratch.env, TZ };
    const run = async (commands: string, ...more: readonly string[]) => {
      const ended = await vtftp(['-S', scratch.path('store'), ...more, '-c', commands], { env });
      assert.equal(ended.status, 0, ended.report);
      return ended.stdout;
    };
    await run('touch first; sync; touch second; sync');
    for (const [, number = '', time = ''] of (await run('log')).matchAll(/^@(\d+) +(\S+)/gm)) {
      const names = number === '1' ? 'first\n' : 'first\nsecond\n';
      assert.equal(await run(`cd @${time}; ls`), names, time);
      assert.equal(await run(`ls .@${time}`), names, time);
    }
    // The second hour of a night of 25, in America; an instant like any other elsewhere.
    await run('touch -d @1793514600.123456789 second');
    const [, shown = ''] = /^modified +(\S+)/m.exec(await run('stat second')) ?? [];
    assert.match(await run(`touch -d ${shown} first; stat first`, '--json'), /"mtime":"2026-11-01T06:30:00.123456789Z"/, shown);
    const [, day = '', minute = ''] = / (\S+) (\S+) second$/m.exec(await run('ls -l second')) ?? [];
    assert.equal(shown.slice(0, 16), `${day}T${minute}`);
  });
}

test('the time that log shows of a state at a whole second names that state, not the next of the same second', async (t) => {
  const scratch = makeScratch(t);
  const run = async (line: string) => {
    const ended = await vtftp(['-S', scratch.path('store'), '-c', line], { env: scratch.env });
    assert.equal(ended.status, 0, ended.report);
    return ended.stdout;
  };
  await run('touch first; sync; touch second; sync');
  const file = scratch.path('store/archives/default.vt');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').map(parseArchiveLine);
  const moved = lines.map((line, i) =>
    formatArchiveLine({ ...(line ?? assert.fail()), whenNs: 1_793_514_600_000_000_000n + BigInt(i) * 100_000_000n }),
  );
  writeFileSync(file, `${moved.join('\n')}\n`);
  const [, time = ''] = /^@1 +(\S+)/m.exec(await run('log')) ?? [];
  assert.equal(await run(`ls .@${time}`), 'first\n');
});

test('a day that the calendar has not is refused, wherever a date is given', async (t) => {
  const scratch = makeScratch(t);
  for (const line of ['touch -d 2026-02-30 x', 'find --newer 2026-02-30', 'cd @2026-02-30', 'undo @2026-02-30']) {
    const ended = await vtftp(['-S', scratch.path('store'), '-c', '-@mkdir d', '-c', 'sync', '-c', line], { env: scratch.env });
    assert.equal(ended.status, 2, ended.report);
    assert.match(ended.stderr, /2026-02-30: no such day or time/);
  }
});
