import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { it } from 'node:test';
import { serveControl } from '../../../fuse/control/control-server.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Bytes that are held on the way of a client that reads nothing: buffers of the sockets and of both processes, and room. */
const HELD_BYTES = 16 * 1024 * 1024;

it('who reads no answers is not read either: cancels stand in no queue', async (t) => {
  const path = makeScratch(t).path('socket');
  await using server = await serveControl({
    path,
    uid: process.getuid?.() ?? 0,
    newClient: () =>
      Promise.resolve({
        run: () => Promise.resolve({ status: 0 }),
        ask: () => Promise.resolve({}),
        noMore: () => undefined,
        end: () => Promise.resolve(),
      }),
  });
  const socket = connect(server.path);
  t.after(() => socket.destroy());
  socket.pause();
  await once(socket, 'connect');
  const cancels = `${JSON.stringify({ id: 1, cancel: 2 })}\n`.repeat(40_000);
  let sent = 0;
  for (let isStuck = false; !isStuck && sent < 4 * HELD_BYTES; ) {
    sent += cancels.length;
    if (socket.write(cancels)) continue;
    // What is stuck stays so: nothing tells of it but time.
    const waited = new AbortController();
    const stuck = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 3000).unref());
    isStuck = await Promise.race([
      once(socket, 'drain', { signal: waited.signal }).then(
        () => false,
        () => false,
      ),
      stuck,
    ]);
    waited.abort();
  }
  assert.ok(sent < HELD_BYTES, `${sent} bytes of cancels were read`);
});
