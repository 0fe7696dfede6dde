import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { ReadOnlyError, VtError } from '../../../core/base/errors.ts';
import type { OpOptions } from '../../../core/base/op-options.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { encodePacket } from '../../../core/wire/packet.ts';
import { encodeHashcode } from '../../../core/wire/payload.ts';
import { REQUEST } from '../../../core/wire/requests.ts';
import { isError, servedFolders } from './served-folders.ts';
import { openServed, secretServiceOf, serviceOf, testCheckers } from './served-store.ts';

const { newFolder, serve } = servedFolders();

it('Stores are served by name, and a name that is not served is told with those that are', async () => {
  const folder = newFolder();
  await using one = new MemoryStore();
  await using two = new MemoryStore({ hashName: 'sha1' });
  const exports = new Map([
    ['one', { store: one }],
    ['two', { store: two }],
  ]);
  await serve(folder, { exports, isReadOnly: false, instance: 'test', checkers: testCheckers });
  await using second = await openServed(folder, { export: 'two' });
  assert.equal(second.hashName, 'sha1');
  await second.add(Buffer.from('in two'));
  assert.equal(two.counts().newBlocks, 1);
  assert.equal(one.counts().newBlocks, 0);
  await assert.rejects(
    openServed(folder, { export: 'three' }),
    (error) => isError('EOPEN', /"three"/)(error) && /one, two/.test((error as VtError).remedy ?? ''),
  );
  await assert.rejects(openServed(folder), isError('EOPEN', /no name/));
  await assert.rejects(openServed(folder, { export: 'one', hash: 'sha1' }), isError('EOPEN', /sha3-256/));
});

it('who does not know the secret gets nothing, and neither side tells it', async () => {
  const folder = newFolder();
  const secret = Buffer.from('correct horse battery');
  await using below = new MemoryStore();
  await serve(folder, secretServiceOf(below, secret));
  const right = join(folder, 'right');
  const wrong = join(folder, 'wrong');
  writeFileSync(right, `${secret.toString()}\n`);
  writeFileSync(wrong, 'incorrect horse battery');
  const lines: string[] = [];
  await using store = await openServed(folder, { secret: right }, { traceWire: (line) => lines.push(line) });
  assert.equal((await store.add(Buffer.from('x'))).isNew, true);
  assert.ok(!lines.join('\n').includes('horse'));
  await assert.rejects(openServed(folder, { secret: wrong }), isError('EPERM', /does not know the secret/));
  await assert.rejects(openServed(folder), isError('EPERM', /secret is needed/));
  await using plain = await openServed(folder, { protocol: 'vt', hash: 'sha3-256' });
  await assert.rejects(plain.add(Buffer.from('y')), VtError);
  await assert.rejects(plain.get(hashcodeOf('sha3-256', Buffer.from('x'))), VtError);
  const open = newFolder();
  await serve(open, serviceOf(below));
  await assert.rejects(openServed(open, { secret: right }), isError('EPERM', /does not ask for the secret/));
});

it('of 64 clients at once one hangs and one sends garbage, and the others see no errors', async () => {
  const folder = newFolder();
  await using below = await openDatadir(join(folder, 'store'), { create: true });
  await serve(folder, serviceOf(below));
  const path = join(folder, 'served.sock');
  const large = await below.add(Buffer.alloc(4 << 20, 'large'));
  // Asks for 400 MiB, and takes nothing.
  const hung = connect({ path });
  hung.on('error', () => undefined);
  hung.pause();
  for (let tag = 2; tag < 102; tag++)
    hung.write(encodePacket({ tag, channel: 0, request: 2, flags: 0, payload: encodeHashcode(large.hashcode) }));
  const garbage = connect({ path });
  garbage.on('error', () => undefined);
  const garbageEnds = new Promise((resolve) => {
    garbage.once('close', resolve);
  });
  garbage.resume();
  garbage.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(3000)));
  const memory = process.memoryUsage().rss;
  await Promise.all(
    Array.from({ length: 62 }, async (_, client) => {
      await using store = await openServed(folder);
      const added = await Promise.all(
        Array.from({ length: 50 }, async (__, i) => await store.add(Buffer.from(`Block ${i} of ${client} `.repeat(40)))),
      );
      await store.flush();
      assert.deepEqual(
        await store.has(added.map(({ hashcode }) => hashcode)),
        added.map(() => true),
      );
      for (const [i, { hashcode }] of added.entries()) {
        assert.equal(Buffer.from((await store.get(hashcode)) ?? []).toString(), `Block ${i} of ${client} `.repeat(40));
      }
    }),
  );
  assert.ok(process.memoryUsage().rss - memory < 200 << 20, 'what the hung client asked for is not held');
  await garbageEnds;
  hung.destroy();
});

it('a read-only client is refused what it may not do', async () => {
  const folder = newFolder();
  await using below = new MemoryStore();
  await serve(folder, serviceOf(below, { isReadOnly: true }));
  await using store = await openServed(folder);
  await assert.rejects(store.add(Buffer.from('x')), ReadOnlyError);
  await using plain = await openServed(folder, { protocol: 'vt', hash: 'sha3-256' });
  await assert.rejects(plain.add(Buffer.from('x')), VtError);
  assert.equal(below.counts().newBlocks, 0);
});

/** Connections on which nothing is said; resolves when they are made. */
async function strangers(folder: string, count: number): Promise<Socket[]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ path: join(folder, 'served.sock') });
      socket.on('error', () => undefined).resume();
      await once(socket, 'connect');
      return socket;
    }),
  );
}

it('who connects and says nothing, or does not know the secret, keeps nobody out and holds no memory', async () => {
  const folder = newFolder();
  const file = join(folder, 'secret');
  writeFileSync(file, 'correct horse battery');
  await using below = new MemoryStore();
  const service = secretServiceOf(below, Buffer.from('correct horse battery'));
  await serve(folder, service, { maxClients: 8 });
  const idle = await strangers(folder, 8);
  await using store = await openServed(folder, { secret: file });
  assert.equal((await store.add(Buffer.from('x'))).isNew, true);
  // A packet of the largest size is announced: nobody who has shown nothing may send one.
  const large = connect({ path: join(folder, 'served.sock') });
  large.on('error', () => undefined).resume();
  large.write(Buffer.from('88808000', 'hex'));
  await once(large, 'close');
  await store.add(Buffer.alloc(1 << 20, 'large'));
  for (const socket of idle) socket.destroy();

  const quick = newFolder();
  await serve(quick, serviceOf(below), { welcomeMs: 20 });
  const [alone] = await strangers(quick, 1);
  assert.ok(alone !== undefined);
  await once(alone, 'close');
});

it('a client for whom there is no room is told so', async () => {
  const folder = newFolder();
  await using below = new MemoryStore();
  await serve(folder, serviceOf(below), { maxClients: 1 });
  await using store = await openServed(folder);
  await assert.rejects(openServed(folder), isError('ELOCKED', /there are 1 clients already/));
  assert.equal((await store.add(Buffer.from('x'))).isNew, true);
});

/** Gives no Block: it waits until who asks for it has gone. */
class WaitingStore extends MemoryStore {
  #cancelled: (() => void) | undefined;
  readonly cancelled = new Promise<void>((resolve) => {
    this.#cancelled = resolve;
  });

  override async get(_: unknown, { signal }: OpOptions = {}): Promise<undefined> {
    await new Promise<void>((resolve) => {
      signal?.addEventListener('abort', () => resolve());
    });
    this.#cancelled?.();
    return undefined;
  }
}

it('work for a client that has gone ends, also while more of its requests wait to be read', { timeout: 60_000 }, async () => {
  const folder = newFolder();
  await using below = new WaitingStore();
  await serve(folder, serviceOf(below));
  const socket = connect(join(folder, 'served.sock'));
  await once(socket, 'connect');
  const payload = encodeHashcode(hashcodeOf('sha3-256', Buffer.from('x')));
  const ask = (tag: number): Buffer => encodePacket({ tag, channel: 0, request: REQUEST.get, flags: 0, payload });
  // More than are read ahead, so that the end of the connection is behind them.
  socket.write(Buffer.concat(Array.from({ length: 4000 }, (_, i) => ask(i + 2))));
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  await below.cancelled;
});
