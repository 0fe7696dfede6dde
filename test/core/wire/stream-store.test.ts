import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { formatArchiveLine, parseArchiveLine } from '../../../core/archive/archive-line.ts';
import { ConnectionLostError, CorruptBlockError, ReadOnlyError, SilentPeerError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { parseDirent } from '../../../core/dirent/dirent-text.ts';
import type { StoreParameters } from '../../../core/openers/specification.ts';
import { capability } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { packRecords } from '../../../core/store/records/record-batch.ts';
import type { Store } from '../../../core/store/store.ts';
import { Connection } from '../../../core/wire/connection.ts';
import { answerEntries, answerEntryAppend, answerEntryLast, encodeAppend } from '../../../core/wire/entry-requests.ts';
import { dial } from '../../../core/wire/links/dial.ts';
import type { Packet } from '../../../core/wire/packet.ts';
import { encodePacket } from '../../../core/wire/packet.ts';
import { encodeHashcode, encodeText } from '../../../core/wire/payload.ts';
import { answerPlain } from '../../../core/wire/plain-requests.ts';
import { REQUEST } from '../../../core/wire/requests.ts';
import type { SocketServer } from '../../../core/wire/serve-sockets.ts';
import { StreamClient } from '../../../core/wire/stream-client.ts';
import { storeSuite } from '../../conformance/store-suite.ts';
import { openServed, secretServiceOf, serveIn, serviceOf, testCheckers } from './served-store.ts';

const folders: string[] = [];
const servers: SocketServer[] = [];
const stores: Store[] = [];
after(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  for (const store of stores) await store[Symbol.asyncDispose]();
  await testCheckers[Symbol.asyncDispose]();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-wire-'));
  folders.push(folder);
  return folder;
}

async function served(store: Store, more: StoreParameters = {}): Promise<Store> {
  const folder = newFolder();
  stores.push(store);
  servers.push(await serveIn(folder, serviceOf(store)));
  return await openServed(folder, more);
}

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
    stores.push(store);
    servers.push(await serveIn(folder, serviceOf(store)));
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
    servers.push(await serveIn(folder, serviceOf(reopened.store, { isReadOnly: true })));
    return await openServed(folder);
  },
});

function isError(code: string, found: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof VtError && error.code === code && found.test(error.message);
}

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
  assert.match(notices.join('\n'), /does not tell its hash function; blake3 is assumed \(hash=NAME says another\)$/);
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

it('Stores are served by name, and a name that is not served is told with those that are', async () => {
  const folder = newFolder();
  await using one = new MemoryStore();
  await using two = new MemoryStore({ hashName: 'sha1' });
  const exports = new Map([
    ['one', { store: one }],
    ['two', { store: two }],
  ]);
  servers.push(await serveIn(folder, { exports, isReadOnly: false, instance: 'test', checkers: testCheckers }));
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
  servers.push(await serveIn(folder, secretServiceOf(below, secret)));
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
  servers.push(await serveIn(open, serviceOf(below)));
  await assert.rejects(openServed(open, { secret: right }), isError('EPERM', /does not ask for the secret/));
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
  const again = await serveIn(folder, serviceOf(below, { instance: 'after' }));
  servers.push(again);
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
  servers.push(await serveIn(folder, serviceOf(empty, { instance: 'after' })));
  await store.add(Buffer.from('there again'));
  for (let tries = 0; tries < 3; tries++)
    await assert.rejects(store.flush(), (error) => error instanceof ConnectionLostError && error.remedy !== undefined);
  for (let i = 0; i < 19; i++) await store.add(Buffer.from(`lost ${i}`));
  await assert.rejects(store.flush(), ConnectionLostError);
  await store.add(Buffer.from('lost 19'));
  await store.flush();
  await store.flush();
});

it('the archive of a served Store is read and appended to; two who append at once both do', async () => {
  const folder = newFolder();
  const file = join(folder, 'tree.vt');
  await using below = new MemoryStore();
  const exports = new Map([['', { store: below, archive: () => openArchiveFile(file) }]]);
  servers.push(await serveIn(folder, { exports, isReadOnly: false, instance: 'test', checkers: testCheckers }));
  await using store = await openServed(folder);
  const archive = capability(store, 'archives')?.open('tree', { readOnly: false });
  assert.ok(archive !== undefined);
  assert.equal(await archive.last(), undefined);
  const dirent = parseDirent('D{"top"}');
  const appended = await archive.append(async () => await Promise.resolve({ whenNs: 1_000_000_000n, dirent }));
  assert.equal(appended?.number, 1);
  let calls = 0;
  await archive.append(async (last) => {
    if (calls++ === 0)
      await openArchiveFile(file).append(
        async () => await Promise.resolve({ whenNs: 2_000_000_000n, dirent: parseDirent('D{"between"}') }),
      );
    assert.equal(last?.number, calls);
    return { whenNs: 3_000_000_000n, dirent };
  });
  assert.equal(calls, 2);
  const found: string[] = [];
  for await (const { number, whenNs, dirent: entry } of archive.entries())
    found.push(`${number} ${whenNs / 1_000_000_000n} ${entry.name ?? ''}`);
  assert.deepEqual(found, ['1 1 top', '2 2 between', '3 3 top']);
  const last = await archive.last();
  assert.deepEqual([last?.number, last?.whenNs], [3, 3_000_000_000n]);
});

it('notes go over the wire, and lines come without them to a client that reads none', async () => {
  const folder = newFolder();
  const file = join(folder, 'tree.vt');
  await using below = new MemoryStore();
  const exports = new Map([['', { store: below, archive: () => openArchiveFile(file) }]]);
  servers.push(await serveIn(folder, { exports, isReadOnly: false, instance: 'test', checkers: testCheckers }));
  await using store = await openServed(folder);
  const archive = capability(store, 'archives')?.open('tree', { readOnly: false });
  const notes = new Map([['message', 'kept' as Octets]]);
  const line = { whenNs: 1_000_000_000n, dirent: parseDirent('D{"top"}'), notes };
  await archive?.append(async () => await Promise.resolve(line));
  assert.deepEqual((await archive?.last())?.notes, notes);
  assert.match(readFileSync(file, 'latin1'), / N\{message:"kept"\} !crc32:/);
  const archives = () => openArchiveFile(file);
  const name = encodeText('tree');
  for (const [json, expected] of [
    [{}, undefined],
    [{ notes: true }, notes],
  ] as const) {
    const { payload: last } = await answerEntryLast(archives, json, name, {});
    const { payload: all } = await answerEntries(archives, json, name, {});
    for (const given of [last, all])
      assert.deepEqual(
        parseArchiveLine(
          Buffer.concat([given ?? []].flat())
            .toString('latin1')
            .trimEnd(),
        )?.notes,
        expected,
      );
  }
  // It has seen the newest line without its notes, which is the newest all the same.
  const next = formatArchiveLine({ whenNs: 2_000_000_000n, dirent: parseDirent('D{"next"}') });
  const seen = formatArchiveLine({ whenNs: line.whenNs, dirent: line.dirent });
  const modes = { isReadOnly: false, isAppendOnly: false, store: new MemoryStore(), nowNs: 2_000_000_000n };
  assert.equal((await answerEntryAppend(archives, modes, {}, encodeAppend('tree', seen, next), {})).yes, true);
});

it('of 64 clients at once one hangs and one sends garbage, and the others see no errors', async () => {
  const folder = newFolder();
  await using below = await openDatadir(join(folder, 'store'), { create: true });
  const server = await serveIn(folder, serviceOf(below));
  servers.push(server);
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
  servers.push(await serveIn(folder, serviceOf(below, { isReadOnly: true })));
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
  servers.push(await serveIn(folder, service, { maxClients: 8 }));
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
  servers.push(await serveIn(quick, serviceOf(below), { welcomeMs: 20 }));
  const [alone] = await strangers(quick, 1);
  assert.ok(alone !== undefined);
  await once(alone, 'close');
});

it('a client for whom there is no room is told so', async () => {
  const folder = newFolder();
  await using below = new MemoryStore();
  servers.push(await serveIn(folder, serviceOf(below), { maxClients: 1 }));
  await using store = await openServed(folder);
  await assert.rejects(openServed(folder), isError('ELOCKED', /there are 1 clients already/));
  assert.equal((await store.add(Buffer.from('x'))).isNew, true);
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
