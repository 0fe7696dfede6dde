import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { ClosedError, VtError } from '../../../core/base/errors.ts';
import { ItemError } from '../../../core/base/item-error.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { CommandDiagnostics, Messages } from '../../../shell/output/messages.ts';
import { PLAIN_STYLE } from '../../../shell/output/output.ts';
import { ProgressView } from '../../../shell/output/progress.ts';
import { FdSink } from '../../../shell/output/sink.ts';
import { makeScratch } from '../../support/scratch.ts';

test('a frame of progress is taken away before a result is written, however late that is', async (t) => {
  const scratch = makeScratch(t);
  const fd = openSync(scratch.path('terminal'), 'w');
  t.after(() => closeSync(fd));
  const progress = new ProgressView({ write: (text) => writeSync(fd, text), mode: 'line', nowMs: () => 0, columns: () => 80 });
  const sink = new FdSink(fd, { name: 'terminal', beforeWrite: () => progress.clear() });
  sink.write(Buffer.from('result\n'));
  progress.update({ label: 'put', doneBytes: 0 });
  await sink.flush();
  progress.update({ label: 'put', doneBytes: 0 });
  await sink.flush();
  const frame = '\rput: 0B\x1b[K';
  assert.equal(readFileSync(scratch.path('terminal'), 'utf8'), `${frame}\r\x1b[Kresult\n${frame}`);
});

test('progress says how much of how much, in percent, how fast, and how long it will take', () => {
  const frames: string[] = [];
  let nowMs = 0;
  const progress = new ProgressView({ write: (text) => frames.push(text), mode: 'line', nowMs: () => nowMs, columns: () => 120 });
  for (const doneBytes of [0, 1024 ** 2, 2 * 1024 ** 2]) {
    progress.update({ label: 'get', doneBytes, totalBytes: 10 * 1024 ** 2 });
    nowMs += 1000;
  }
  assert.match(frames.join('\n'), /get: 2\.0M of 10M \(20 %\), 1\.0M\/s, 8 s left/);
});

test('progress as JSON has the rate and the time that is left, once both can be told', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const progress = new ProgressView({ write: (text) => lines.push(text), mode: 'json', nowMs: () => nowMs, columns: () => 80 });
  for (const doneBytes of [0, 1000, 2500]) {
    progress.update({ label: 'get', doneBytes, totalBytes: 10_000 }, { id: 7 });
    nowMs += 1000;
  }
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [
      { id: 7, progress: { label: 'get', done_bytes: 0, total_bytes: 10_000 } },
      { id: 7, progress: { label: 'get', done_bytes: 1000, total_bytes: 10_000, bytes_per_second: 1000, seconds_left: 9 } },
      { id: 7, progress: { label: 'get', done_bytes: 2500, total_bytes: 10_000, bytes_per_second: 1250, seconds_left: 6 } },
    ],
  );
});

test('each job has a line of its own, which goes with the job', () => {
  let screen = '';
  let nowMs = 0;
  const write = (text: string): void => {
    screen = text;
  };
  const progress = new ProgressView({ write, mode: 'line', nowMs: () => nowMs, columns: () => 80 });
  const [one, two] = [progress.job('[1]'), progress.job('[2]')];
  one.update({ label: 'put', doneBytes: 1024 });
  nowMs += 150;
  two.update({ label: 'get', doneBytes: 2048 });
  nowMs += 150;
  progress.update({ label: 'pull', doneBytes: 3072 });
  assert.equal(
    screen,
    ['pull: 3.0K', '[1] put: 1.0K, 0B/s', '[2] get: 2.0K']
      .map((line) => `${line}\x1b[K`)
      .join('\n')
      .replace(/^/, '\r\x1b[1A'),
  );
  one.end();
  nowMs += 150;
  two.update({ label: 'get', doneBytes: 2048 });
  assert.match(progress.statusLine(), /^pull: .*\n\[2\] get: [^\n]*$/);
});

test('progress comes ten times a second at most', () => {
  let frames = 0;
  let nowMs = 0;
  const progress = new ProgressView({ write: () => frames++, mode: 'line', nowMs: () => nowMs, columns: () => 120 });
  for (; nowMs < 1000; nowMs++) progress.update({ label: 'get', doneBytes: nowMs });
  assert.equal(frames, 10);
});

test('cancelled items are not told once their command is cancelled, and all others are', () => {
  const told: string[] = [];
  const progress = new ProgressView({ write: () => {}, mode: 'none', nowMs: () => 0, columns: () => 80 });
  const messages = new Messages({ write: (text) => told.push(text), json: false, quiet: false, style: PLAIN_STYLE, progress });
  const abort = new AbortController();
  const diagnostics = new CommandDiagnostics(messages, ['put'], { command: 'put' }, { isQuiet: false, signal: abort.signal });
  const cancelled = new ItemError('put', '/a' as Octets, new VtError('ECANCELLED', 'cancelled'));
  const failed = new ItemError('put', '/b' as Octets, 'it is gone');
  diagnostics.failure(cancelled);
  abort.abort();
  diagnostics.failure(cancelled);
  diagnostics.failure(new ItemError('put', '/c' as Octets, new ClosedError('put', 'ingest')));
  diagnostics.failure(failed);
  assert.deepEqual([told.join(''), diagnostics.failures], ['put: /a: cancelled\nput: /b: it is gone\n', 2]);
});
