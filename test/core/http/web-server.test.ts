import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { MissingBlockError } from '../../../core/base/errors.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { digestHex } from '../../../core/block/hashcode.ts';
import { serveWeb } from '../../../core/http/server.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { stored, superblock } from '../../support/bombs/bomb.ts';
import { MapSource } from '../../support/stores/map-source.ts';

/** A Store that tells how many of its Blocks were asked for at a time. */
class BusyStore extends MemoryStore {
  most = 0;
  #now = 0;

  override async get(hashcode: HashCode): Promise<Uint8Array | undefined> {
    this.most = Math.max(this.most, ++this.#now);
    await new Promise(setImmediate);
    this.#now--;
    return await super.get(hashcode);
  }
}

async function connected(t: TestContext, store: MemoryStore, onFailure: (error: unknown) => void = () => undefined): Promise<Socket> {
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: { store, archive: undefined, home: async () => await Promise.resolve('/'), isPublic: true, now: () => new Date(), onFailure },
    access: { table: undefined, hosts: new Set() },
  });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  t.after(async () => {
    socket.destroy();
    await server[Symbol.asyncDispose]();
  });
  return socket;
}

async function requestsFor(store: MemoryStore, count: number): Promise<readonly string[]> {
  const requests: string[] = [];
  for (let i = 0; i < count; i++) {
    const { hashcode } = await store.add(Buffer.from(`Block ${i};`));
    const end = i === count - 1 ? 'Connection: close\r\n' : '';
    requests.push(`GET /h/${digestHex(hashcode.digest)}.${hashcode.hashName} HTTP/1.1\r\nHost: localhost\r\n${end}\r\n`);
  }
  return requests;
}

test('requests that come in one packet are answered one by one, in their order', async (t) => {
  const store = new BusyStore();
  const requests = await requestsFor(store, 20);
  const socket = await connected(t, store);
  socket.write(requests.join(''));
  const answer = await textOf(socket);
  assert.deepEqual(
    answer.match(/Block \d+;/g),
    requests.map((_, i) => `Block ${i};`),
  );
  assert.equal(store.most, 1);
});

test('a connection that asks on and on without taking its answers is ended', async (t) => {
  const store = new BusyStore();
  const [request = ''] = await requestsFor(store, 2);
  const socket = await connected(t, store);
  socket.on('error', () => undefined);
  socket.write(request.repeat(1000));
  await new Promise((resolve) => socket.resume().once('close', resolve));
  assert.ok(store.most <= 1);
});

test('what is found missing in the middle of an answer ends it, and the server is told', async (t) => {
  const store = new MemoryStore();
  const blocks = new MapSource(store.hashName);
  const there = stored(blocks, Buffer.alloc(100_000, 'x'));
  const missing = stored(blocks, Buffer.alloc(100_000, 'y'));
  const top = superblock(blocks, [there, missing]);
  assert.ok(top.kind === 'indirect' && top.refs.kind === 'hash');
  const left = digestHex(missing.hashcode.digest);
  for (const [digest, data] of blocks.blocks) if (digest !== left) await store.add(data);
  const failures: unknown[] = [];
  const socket = await connected(t, store, (error) => failures.push(error));
  const { digest, hashName } = top.refs.hashcode;
  socket.write(`GET /i/${digestHex(digest)}.${hashName} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const answer = await textOf(socket);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[\s\S]*content-length: 200000\r\n/);
  assert.equal(answer.split('\r\n\r\n')[1], 'x'.repeat(100_000));
  assert.equal(failures.length, 1);
  assert.ok(failures[0] instanceof MissingBlockError);
});
