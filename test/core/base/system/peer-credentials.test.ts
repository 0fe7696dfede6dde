import assert from 'node:assert/strict';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { it } from 'node:test';
import { peerUid } from '../../../../core/base/system/peer-credentials.ts';
import { makeScratch } from '../../../support/scratch.ts';

it('the user at the other end of a UNIX socket is known on Linux; what is no socket has none', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const scratch = makeScratch(t);
  const path = scratch.path('socket');
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  const client = connect(path);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const { _handle: handle } = socket as unknown as { readonly _handle: { readonly fd: number } };
  assert.equal(peerUid(handle.fd), process.getuid?.());
  assert.equal(peerUid(openSync('/dev/null', 'r')), undefined);
  client.destroy();
  socket.destroy();
  server.close();
});
