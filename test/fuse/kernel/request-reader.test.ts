import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { ReaderKind } from '../../../fuse/kernel/request-reader.ts';
import { readRequests } from '../../../fuse/kernel/request-reader.ts';
import { makeScratch } from '../../support/scratch.ts';

/** A FIFO in place of `/dev/fuse`: it does not block either, and one write is one read as long as nobody hurries. */
function fifo(t: TestContext): number {
  const path = makeScratch(t).path('fifo');
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}

for (const kind of ['loop', 'pool'] satisfies ReaderKind[]) {
  test(`requests are taken one by one as they come, and no more once it is closed (${kind})`, async (t) => {
    const fd = fifo(t);
    const writeFd = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY);
    const events = new EventEmitter();
    let isOpenAtEnd = false;
    const reader = readRequests(
      fd,
      4096,
      {
        take: (bytes) => events.emit('request', bytes.toString('latin1')),
        async end() {
          // Somebody may still be about to write to it.
          await new Promise(setImmediate);
          isOpenAtEnd = fstatSync(fd).isFIFO();
        },
      },
      kind,
    );
    for (let i = 0; i < 200; i++) {
      const came = once(events, 'request');
      writeSync(writeFd, `request ${i}`);
      assert.deepEqual(await came, [`request ${i}`]);
    }
    reader.close();
    if (kind === 'pool') writeSync(writeFd, 'the last one');
    await reader.ended;
    assert.ok(isOpenAtEnd);
    closeSync(writeFd);
  });
}
