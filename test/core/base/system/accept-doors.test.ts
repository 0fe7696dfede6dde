import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { addDoors } from '../../../../core/base/system/accept-doors.ts';
import { makeScratch } from '../../../support/scratch.ts';

const CLIENTS = 64;

for (const kind of ['unix', 'tcp'] as const)
  test(`a server with doors accepts many in a turn of the event loop: ${kind}`, {
    skip: process.platform !== 'linux' && 'Linux alone',
  }, async (t) => {
    const path = makeScratch(t).path('socket');
    const server = createServer({});
    let accepted = 0;
    let most = 0;
    let inTurn = 0;
    const all = new Promise<void>((resolve) => {
      server.on('connection', (socket: Socket) => {
        socket.resume().end('welcome');
        if (inTurn++ === 0) {
          setImmediate(() => {
            inTurn = 0;
          });
        }
        most = Math.max(most, inTurn);
        if (++accepted === CLIENTS) resolve();
      });
    });
    await new Promise<void>((resolve) => {
      if (kind === 'unix') server.listen(path, resolve);
      else server.listen({ host: '127.0.0.1', port: 0 }, resolve);
    });
    const closeDoors = addDoors(server, {});
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    // They stand in the kernel's queue before the event loop turns.
    const clients = Array.from({ length: CLIENTS }, () => (kind === 'unix' ? connect({ path }) : connect({ host: '127.0.0.1', port })));
    const welcomed = clients.map(async (client) => await once(client.resume(), 'close'));
    await all;
    await Promise.all(welcomed);
    assert.ok(most > 8, `${most} in a turn at most`);
    await Promise.all([new Promise((resolve) => server.close(resolve)), closeDoors()]);
    await assert.rejects(once(kind === 'unix' ? connect({ path }) : connect({ host: '127.0.0.1', port }), 'connect'));
  });
