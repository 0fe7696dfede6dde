import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { ProgressView } from '../../../shell/output/progress.ts';
import { FdSink } from '../../../shell/output/sink.ts';
import { makeScratch } from '../../support/scratch.ts';

test('a frame of progress is taken away before a result is written, however late that is', async (t) => {
  const scratch = makeScratch(t);
  const fd = openSync(scratch.path('terminal'), 'w');
  t.after(() => closeSync(fd));
  const progress = new ProgressView({ write: (text) => writeSync(fd, text), mode: 'line', nowMs: () => 0, columns: () => 80 });
  const sink = new FdSink(
    fd,
    () => {},
    false,
    'terminal',
    () => progress.clear(),
  );
  sink.write(Buffer.from('result\n'));
  progress.update({ label: 'put', doneBytes: 0 });
  await sink.flush();
  progress.update({ label: 'put', doneBytes: 0 });
  await sink.flush();
  const frame = '\rput: 0B\x1b[K';
  assert.equal(readFileSync(scratch.path('terminal'), 'utf8'), `${frame}\r\x1b[Kresult\n${frame}`);
});
