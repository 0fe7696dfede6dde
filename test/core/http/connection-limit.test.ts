import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { it, type TestContext } from 'node:test';
import { ConnectionLimit } from '../../../core/http/connection-limit.ts';

/** Connections that tell which of them were ended. */
function connections(limit: ConnectionLimit): { readonly open: (port: number) => Socket; readonly ended: number[] } {
  const ended: number[] = [];
  const open = (port: number): Socket => {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress: '127.0.0.1',
      remotePort: port,
      destroy() {
        ended.push(port);
        socket.emit('close');
      },
    }) as unknown as Socket;
    limit.opened(socket);
    return socket;
  };
  return { open, ended };
}

function atTime(t: TestContext): (ms: number) => void {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  return (ms) => {
    nowMs = ms;
  };
}

it('who comes takes the place of the one that has been silent longest', () => {
  const limit = new ConnectionLimit(3);
  const { open, ended } = connections(limit);
  const first = open(1);
  open(2);
  open(3);
  // It asks something, and has its answer: it has been silent for the shortest time.
  limit.busy(first)();
  open(4);
  open(5);
  assert.deepEqual(ended, [2, 3]);
});

it('who is answered keeps its place for a while, and one that goes makes room', (t) => {
  const setMs = atTime(t);
  const limit = new ConnectionLimit(2);
  const { open, ended } = connections(limit);
  for (const port of [1, 2]) limit.busy(open(port));
  open(3);
  assert.deepEqual(ended, [3]);
  setMs(5000);
  const fourth = open(4);
  assert.deepEqual(ended, [3, 1]);
  fourth.emit('close');
  open(5);
  assert.deepEqual(ended, [3, 1]);
});
