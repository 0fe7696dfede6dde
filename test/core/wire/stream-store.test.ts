import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { ConnectionLostError, CorruptBlockError, SilentPeerError } from '../../../core/base/errors.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { capability } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { packRecords } from '../../../core/store/records/record-batch.ts';
import type { Store } from '../../../core/store/store.ts';
import { Connection } from '../../../core/wire/connection.ts';
import { dial } from '../../../core/wire/links/dial.ts';
import type { Packet } from '../../../core/wire/packet.ts';
import { encodePacket } from '../../../core/wire/packet.ts';
import { answerPlain } from '../../../core/wire/plain-requests.ts';
import { REQUEST } from '../../../core/wire/requests.ts';
import { StreamClient } from '../../../core/wire/stream-client.ts';
import { storeSuite } from '../../conformance/store-suite.ts';
import { isError, servedFolders } from './served-folders.ts';
import { openServed, serveIn, serviceOf } from './served-store.ts';

const { newFolder, serve, served, endLater } = servedFolders();

storeSuite({ name: 'unix: over memory:', checksAdds: true, open: async () => await served(new MemoryStore()) });

storeSuite({
  name: 'unix: over a compressed datadir with sha256',
  checksAdds: true,
  open: async () => await served(await openDatadir(join(newFolder(), 'store'), { create: true, hashName: 'sha256', compression: 'zlib' })),
});

storeSuite({
  name: 'unix: in the words of the Python vt',
  checksAdds: true,
  open: async () => await served(new MemoryStore({ hashName: 'blake3' }), { protocol: 'vt' }),
});

let reopened: { readonly folder: string; readonly store: Store } | undefined;
storeSuite({
  name: 'unix: over a datadir',
  checksAdds: true,
  async open() {
    const folder = newFolder();
    const store = await openDatadir(join(folder, 'store'), { create: true });
    endLater(store);
    await serve(folder, serviceOf(store));
    reopened = { folder, store };
    return await openServed(folder);
  },
  async reopen() {
    assert.ok(reopened !== undefined);
    return await openServed(reopened.folder);
  },
  async reopenReadOnly() {
    assert.ok(reopened !== undefined);
    const folder = newFolder();
    await serve(folder, serviceOf(reopened.store, { isReadOnly: true }));
    return await openServed(folder);
  },
});

it('a plain vt peer survives our hello, and is then spoken to in its own words', async () => {
  const folder = newFolder();
  await using below = new MemoryStore({ hashName: 'blake3' });
  // Knows the requests of the Python vt, and says of all others what it says.
  const server = createServer((socket) => {
    const link = { input: socket, output: socket, destroy: () => socket.destroy() };
    const failed = { isDone: false, payload: [Buffer.from('exception during handler')] };
    const handler = {
      atOnce: 4,
      answer: async (packet: Packet) => (await answerPlain(packet, { store: below, isReadOnly: false }, {})) ?? failed,
    };
    void new Connection(link, { name: 'a plain peer', handler });
  });
  await new Promise<void>((resolve) => {
    server.listen(join(folder, 'served.sock'), resolve);
  });
  const lines: string[] = [];
  const notices: string[] = [];
  const store = await openServed(folder, {}, { traceWire: (line) => lines.push(line), onNotice: (notice) => notices.push(notice) });
  assert.match(notices.join('\n'), /does not report its hash function; blake3 is assumed \(to change that, give hash=NAME\)$/);
  const { hashcode } = await store.add(Buffer.from('spoken to'));
  // What it has said is not asked again.
  assert.deepEqual(await store.has([hashcode]), [true]);
  assert.equal((await store.add(Buffer.from('spoken to'))).isNew, false);
  assert.deepEqual(await store.has([hashcodeOf('blake3', Buffer.from('next'))]), [false]);
  assert.equal((await store.add(Buffer.from('next'))).isNew, true);
  assert.equal(Buffer.from((await store.get(hashcode)) ?? []).toString(), 'spoken to');
  assert.equal(store.hashName, 'blake3');
  await store.flush();
  await store[Symbol.asyncDispose]();
  server.close();
  assert.deepEqual(
    lines.filter((line) => line.startsWith('>')).map((line) => line.split(' ')[3]),
    ['hello', 'contains', 'add', 'contains', 'add', 'get', 'flush', 'end', 'end'],
  );
});

it('a Block that does not match its digest is refused where it is added, and nothing of its batch is kept', async () => {
  const below = new MemoryStore();
  await using store = await served(below);
  const hash = hashByName(store.hashName);
  const good = Buffer.from('good');
  const batch = packRecords(
    [
      { digest: hash.digest(good), data: good },
      { digest: hash.digest(Buffer.from('other')), data: Buffer.from('bad') },
    ],
    hash,
    'none',
  );
  await assert.rejects(capability(store, 'recordSink')?.addRecords(batch) ?? Promise.resolve(), isError('ECORRUPT', /another hash/));
  assert.deepEqual(await below.has([hashcodeOf(store.hashName, good)]), [false]);
  assert.equal((await store.add(good)).isNew, true);
});

it('a Block that is damaged over there is told as damaged, and the Blocks asked for with it come', async () => {
  const below = new MemoryStore();
  const right = hashcodeOf(below.hashName, Buffer.from('right'));
  await below.addBatch([{ digest: right.digest, data: Buffer.from('wrong') }]);
  const { hashcode } = await below.add(Buffer.from('sound'));
  await using store = await served(below);
  const [damaged, sound] = await Promise.allSettled([store.get(right), store.get(hashcode)]);
  assert.ok(damaged.status === 'rejected' && isError('ECORRUPT', /./)(damaged.reason), JSON.stringify(damaged));
  assert.ok(sound.status === 'fulfilled' && Buffer.from(sound.value ?? []).toString() === 'sound');
  assert.ok(!(damaged.reason instanceof CorruptBlockError) || damaged.reason.message.includes('unix:'));
});

it('a connection that is lost is told, and made anew; where the Store has all the same what was added, a flush succeeds', async () => {
  const folder = newFolder();
  await using below = new MemoryStore();
  const before = await serveIn(folder, serviceOf(below, { instance: 'before' }));
  await using store = await openServed(folder);
  await store.add(Buffer.from('flushed'));
  await store.flush();
  await store.add(Buffer.from('not flushed'));
  await before[Symbol.asyncDispose]();
  await assert.rejects(store.add(Buffer.from('nobody there')), /no such file/);
  await serve(folder, serviceOf(below, { instance: 'after' }));
  assert.equal((await store.add(Buffer.from('there again'))).isNew, true);
  await store.flush();
});

it('what was lost with a process fails every flush until it is added again', async () => {
  const folder = newFolder();
  await using below = new MemoryStore();
  const before = await serveIn(folder, serviceOf(below, { instance: 'before' }));
  await using store = await openServed(folder);
  for (let i = 0; i < 20; i++) await store.add(Buffer.from(`lost ${i}`));
  await before[Symbol.asyncDispose]();
  await using empty = new MemoryStore();
  await serve(folder, serviceOf(empty, { instance: 'after' }));
  await store.add(Buffer.from('there again'));
  for (let tries = 0; tries < 3; tries++)
    await assert.rejects(store.flush(), (error) => error instanceof ConnectionLostError && error.remedy !== undefined);
  for (let i = 0; i < 19; i++) await store.add(Buffer.from(`lost ${i}`));
  await assert.rejects(store.flush(), ConnectionLostError);
  await store.add(Buffer.from('lost 19'));
  await store.flush();
  await store.flush();
});

it('any number of requests may wait for one signal', async () => {
  const warnings: string[] = [];
  const note = (warning: Error): void => {
    warnings.push(warning.name);
  };
  process.on('warning', note);
  await using store = await served(new MemoryStore());
  const { signal } = new AbortController();
  const added = await Promise.all(Array.from({ length: 100 }, async (_, i) => await store.add(Buffer.from(`${i}`), { signal })));
  await Promise.all(added.map(async ({ hashcode }) => await store.get(hashcode, { signal })));
  await store.flush({ signal });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  process.off('warning', note);
  assert.deepEqual(warnings, []);
});

it('a peer that says nothing is given up, at the first question and later', async () => {
  const folder = newFolder();
  const path = join(folder, 'silent.sock');
  const sockets = new Set<Socket>();
  let answers = 0;
  const server = createServer((socket) => {
    sockets.add(socket.resume());
    // The first one fails at our hello, as the Python vt does.
    if (answers-- > 0)
      socket.once('data', () =>
        socket.write(encodePacket({ tag: 2, channel: 0, flags: 0, request: undefined, payload: Buffer.from('exception') })),
      );
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  const options = {
    name: 'silent',
    dial: async () => await dial({ kind: 'unix', path }, 'silent', () => undefined),
    helloMs: 40,
    answerMs: 40,
  };
  await assert.rejects(new StreamClient(options).open(), /open Store "silent".*no answer within/);
  const plain = new StreamClient({ ...options, isPlain: true });
  await plain.open();
  await assert.rejects(plain.request(REQUEST.flush), SilentPeerError);
  answers = 1;
  const found = new StreamClient({ ...options, helloMs: 60_000 });
  await found.open();
  assert.ok(found.isPlain);
  await assert.rejects(found.request(REQUEST.flush), SilentPeerError);
  await plain.close();
  await found.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});
