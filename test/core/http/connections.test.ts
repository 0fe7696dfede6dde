import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { it, type TestContext } from 'node:test';
import { Connections } from '../../../core/http/connections.ts';
import { RequestCounts } from '../../../core/http/request-counts.ts';

/** Connections that tell which of them were ended, and what is answered. */
function connections(max: number) {
  const ended: number[] = [];
  const answered: string[] = [];
  const counts = new RequestCounts();
  const all = new Connections(max, counts, ({ url = '' }) => answered.push(url));
  const open = (port: number): Socket => {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress: '127.0.0.1',
      remotePort: port,
      destroyed: false,
      destroy() {
        ended.push(port);
        socket.destroyed = true;
        socket.emit('close');
      },
    }) as unknown as Socket & { destroyed: boolean };
    all.opened(socket);
    return socket;
  };
  /** @returns gives the answer */
  const ask = (socket: Socket, url = '/'): (() => void) => {
    const response = Object.assign(new EventEmitter(), { statusCode: 200, headersSent: true });
    all.take({ socket, url } as IncomingMessage, response as unknown as ServerResponse);
    return () => response.emit('close');
  };
  return { open, ask, ended, answered, counts };
}

function atTime(t: TestContext): (ms: number) => void {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  return (ms) => {
    nowMs = ms;
  };
}

it('who comes takes the place of the one that has been silent longest', (t) => {
  const setMs = atTime(t);
  const { open, ask, ended } = connections(3);
  const [first] = [open(1), open(2), open(3)];
  setMs(1);
  // It asks something, and has its answer: it has been silent for the shortest time.
  ask(first)();
  open(4);
  open(5);
  assert.deepEqual(ended, [2, 3]);
});

it('who is answered keeps its place for a while, and one that goes makes room', (t) => {
  const setMs = atTime(t);
  const { open, ask, ended } = connections(2);
  for (const port of [1, 2]) ask(open(port));
  open(3);
  assert.deepEqual(ended, [3]);
  setMs(5000);
  const fourth = open(4);
  assert.deepEqual(ended, [3, 1]);
  fourth.emit('close');
  open(5);
  assert.deepEqual(ended, [3, 1]);
});

it('requests of a connection are answered one by one, those of another meanwhile', () => {
  const { open, ask, answered, counts } = connections(2);
  const [one, other] = [open(1), open(2)];
  const first = ask(one, '/a');
  const second = ask(one, '/b');
  ask(one, '/c');
  ask(other, '/d');
  assert.deepEqual(answered, ['/a', '/d']);
  assert.equal(counts.open, 2);
  first();
  second();
  assert.deepEqual(answered, ['/a', '/d', '/b', '/c']);
  assert.deepEqual([counts.open, counts.byClass.get(2)], [2, 2]);
});

it('of a connection that has ended nothing more is answered', () => {
  const { open, ask, answered } = connections(1);
  const one = open(1);
  const first = ask(one, '/a');
  ask(one, '/b');
  one.destroy();
  first();
  assert.deepEqual(answered, ['/a']);
});

it('a connection that asks for too much at once is ended', () => {
  const { open, ask, ended } = connections(1);
  const one = open(1);
  for (let i = 0; i < 32; i++) ask(one);
  assert.deepEqual(ended, []);
  ask(one);
  assert.deepEqual(ended, [1]);
});

it('a client that leaves before it has an answer is not counted as answered', () => {
  const { counts } = connections(1);
  const all = new Connections(1, counts, () => undefined);
  const socket = Object.assign(new EventEmitter(), { remoteAddress: '127.0.0.1', remotePort: 1, destroyed: false }) as unknown as Socket;
  all.opened(socket);
  const response = Object.assign(new EventEmitter(), { statusCode: 200, headersSent: false });
  all.take({ socket, url: '/' } as IncomingMessage, response as unknown as ServerResponse);
  response.emit('close');
  assert.deepEqual([counts.open, counts.byClass.get(2), counts.byClass.get(4)], [0, 0, 1]);
});
