import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { watchFile } from '../../../core/archive/watch-file.ts';
import { makeScratch } from '../../support/scratch.ts';

it('a file is told of when it changes, is replaced, goes, and comes with a folder that was not there; others are not', async (t) => {
  const scratch = makeScratch(t);
  const folder = scratch.path('archives');
  const path = join(folder, 'one.vt');
  const told = new EventEmitter();
  let calls = 0;
  const end = watchFile(path, () => {
    calls++;
    told.emit('change');
  });
  // It keeps no process running, which must wait all the same.
  const running = setInterval(() => undefined, 1000);
  t.after(() => {
    clearInterval(running);
    end();
  });
  const after = async (change: () => void): Promise<void> => {
    const changed = once(told, 'change');
    change();
    await changed;
  };
  await after(() => {
    mkdirSync(folder);
    writeFileSync(path, 'a');
  });
  await after(() => appendFileSync(path, 'b'));
  await after(() => {
    writeFileSync(join(folder, 'new'), 'ab');
    renameSync(join(folder, 'new'), path);
  });
  await after(() => rmSync(path));
  const before = calls;
  writeFileSync(join(folder, 'two.vt'), 'other');
  await after(() => writeFileSync(path, 'again'));
  assert.equal(calls, before + 1);
  await after(() => {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(path, 'in another folder');
  });
});
