import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PROGRAM, run } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Octets that calls on files of some paths moved, by what strace wrote. */
function moved(trace: string, calls: RegExp, paths: RegExp): number {
  let sum = 0;
  for (const line of trace.split('\n')) {
    const [, call = '', path = '', count = '0'] = /(?:^\d+ +)?(\w+)\(\d+<([^>]*)>.*\) += (\d+)/.exec(line) ?? [];
    if (calls.test(call) && paths.test(path)) sum += Number(count);
  }
  return sum;
}

test('put reads each octet of a file once and writes it once', async (t) => {
  const scratch = makeScratch(t);
  const file = scratch.path('source.bin');
  const size = 24 * 1024 * 1024;
  writeFileSync(file, makeRandom(12).bytes(size));
  const log = scratch.path('strace');
  const trace = ['-f', '-y', '-s', '0', '-e', 'trace=read,readv,pread64,preadv,preadv2,write,writev,pwrite64,pwritev,pwritev2', '-o', log];
  const args = [...trace, process.execPath, PROGRAM, '-q', '-S', scratch.path('store'), '-c', `put ${file} f`];
  const put = await run('strace', args, { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  // Calls of two threads that overlap are written in two lines: their ends name no file, so they are put together first.
  const lines = new Map<string, string>();
  const whole: string[] = [];
  for (const line of readFileSync(log, 'latin1').split('\n')) {
    const pid = line.split(' ', 1)[0] ?? '';
    if (line.endsWith('<unfinished ...>')) lines.set(pid, line.replace(' <unfinished ...>', ''));
    else if (line.includes(' resumed>')) whole.push(`${lines.get(pid) ?? ''}${line.replace(/^.* resumed>/, '')}`);
    else whole.push(line);
  }
  const text = whole.join('\n');
  const read = moved(text, /read/, /source\.bin$/);
  const written = moved(text, /write/, /\.vtd$/);
  assert.ok(read >= size && read < size * 1.01, `${read} octets read of ${size}`);
  assert.ok(written >= size && written < size * 1.03, `${written} octets written of ${size}`);
});
