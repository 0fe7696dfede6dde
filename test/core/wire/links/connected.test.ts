import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { connected } from '../../../../core/wire/links/connected.ts';
import { dial } from '../../../../core/wire/links/dial.ts';
import { makeScratch } from '../../../support/scratch.ts';
import { serveIn, serviceOf } from '../served-store.ts';

/** A process that listens with a queue of few, and takes nobody in until it is told to. */
const SERVER = `
const server = require('node:net').createServer();
server.listen({ path: process.argv[1], backlog: 1 }, () => {
  process.stdout.write('listening\\n', () => process.kill(process.pid, 'SIGSTOP'));
});
`;

describe('a UNIX socket whose queue is full', () => {
  it('is asked again until its server takes clients in', async (t) => {
    const { path, goOn } = await fullSocket(t);
    const dialled = dial({ kind: 'unix', path }, 'busy', () => undefined);
    // It has been refused at least once by then.
    await assert.rejects(
      connected(() => ({ socket: connect(path) }), 'connect', {}, 100),
      { code: 'EAGAIN' },
    );
    goOn();
    const link = await dialled;
    link.destroy();
  });

  it('ends with the signal', async (t) => {
    const { path } = await fullSocket(t);
    const cancelling = new AbortController();
    const dialled = dial({ kind: 'unix', path }, 'busy', () => undefined, cancelling.signal);
    cancelling.abort();
    await assert.rejects(dialled, { code: 'ECANCELLED' });
  });

  it('is not taken for one that a dead process left behind', async (t) => {
    const { path } = await fullSocket(t);
    await assert.rejects(serveIn(dirname(path), serviceOf(new MemoryStore())), /another process serves it/);
    assert.ok(existsSync(path));
  });
});

async function fullSocket(t: TestContext): Promise<{ readonly path: string; goOn(): void }> {
  const path = makeScratch(t).path('served.sock');
  const server = spawn(process.execPath, ['-e', SERVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill('SIGKILL'));
  await once(server.stdout, 'data');
  const queued: Socket[] = [];
  t.after(() => {
    for (const socket of queued) socket.destroy();
  });
  for (;;) {
    const socket = connect(path);
    queued.push(socket);
    // Rejected by an error.
    const isTaken = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    if (!isTaken) break;
  }
  return { path, goOn: () => server.kill('SIGCONT') };
}
