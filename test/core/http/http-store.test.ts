import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { after, test } from 'node:test';
import { CorruptBlockError, VtError } from '../../../core/base/errors.ts';
import { DEFAULT_EDGES } from '../../../core/block/edge-settings.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { HttpClient } from '../../../core/http/client/http-client.ts';
import { HttpStore } from '../../../core/http/client/http-store.ts';
import type { WebServer } from '../../../core/http/server.ts';
import { serveWeb } from '../../../core/http/server.ts';
import { formatDescription, parseDescription } from '../../../core/http/store-description.ts';
import { ownerTable } from '../../../core/rights/rights-table.ts';
import { capability } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { Store } from '../../../core/store/store.ts';
import { readOnlyStoreSuite } from '../../conformance/read-only-store-suite.ts';
import { storeSuite } from '../../conformance/store-suite.ts';

const servers: WebServer[] = [];
after(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});

async function webServer(store: Store): Promise<WebServer> {
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: true,
      now: () => new Date(),
      onFailure: () => undefined,
    },
    access: { table: undefined, hosts: new Set() },
  });
  servers.push(server);
  return server;
}

async function openStore(url: string): Promise<HttpStore> {
  const client = new HttpClient({ name: url, base: new URL(url) });
  const { body } = await client.get('store', { maxSize: 10_000 });
  return new HttpStore(client, parseDescription(body.toString()));
}

readOnlyStoreSuite({
  name: 'http:',
  lists: false,
  open: async (blocks) => {
    const store = new MemoryStore();
    for (const data of blocks) await store.add(data);
    return await openStore((await webServer(store)).url);
  },
});

const TOKEN = Buffer.from('the-token-of-the-owner');

/** A Store that may be written to over HTTP. */
async function writable(below: Store): Promise<Store> {
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store: below,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: false,
      writes: { instance: 'one' },
      now: () => new Date(),
      onFailure: () => undefined,
    },
    access: { table: ownerTable(TOKEN), hosts: new Set() },
  });
  servers.push(server);
  const client = new HttpClient({ name: server.url, base: new URL(server.url), token: TOKEN.toString() });
  const { body } = await client.get('store', { maxSize: 10_000 });
  return new HttpStore(client, parseDescription(body.toString()));
}

let below = new MemoryStore();
storeSuite({
  name: 'http:, with a token that may write',
  checksAdds: true,
  open: async () => {
    below = new MemoryStore();
    return await writable(below);
  },
  reopen: async () => await writable(below),
});

const DATA = Buffer.from('the bytes of a Block');
const HASHCODE = hashcodeOf('sha3-256', DATA);

/** A server that answers as it is told, and a Store that asks it. */
async function storeBehind(t: TestContext, listener: RequestListener, token?: string): Promise<HttpStore> {
  const url = await listen(t, listener);
  return new HttpStore(
    new HttpClient({ name: 'there', base: new URL(url), token }),
    parseDescription('{"vtftp":1,"hash":"sha3-256","archives":[]}'),
  );
}

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('a server that is busy, fails or hangs up is asked again, and nothing is taken for damage', async (t) => {
  let count = 0;
  await using store = await storeBehind(t, (request, response) => {
    count++;
    if (count === 1) response.writeHead(503, { 'retry-after': '0' }).end('busy');
    else if (count === 2) request.socket.destroy();
    else if (count === 3) {
      response.writeHead(200, { 'content-length': String(DATA.length) });
      response.write(DATA.subarray(0, 5), () => response.destroy());
    } else response.end(DATA);
  });
  assert.deepEqual(await store.get(HASHCODE), DATA);
  assert.equal(count, 4);
});

test('bytes that are not those of the hashcode never come out', async (t) => {
  await using store = await storeBehind(t, (_, response) => response.end('<html>Please log in</html>'));
  await assert.rejects(store.get(HASHCODE), CorruptBlockError);
});

test('a Block that is too large is not read to its end', async (t) => {
  await using store = await storeBehind(t, (_, response) => {
    const send = (): void => {
      while (response.write(Buffer.alloc(1024 * 1024)));
    };
    response.on('drain', send);
    send();
  });
  await assert.rejects(store.get(HASHCODE), (error: unknown) => error instanceof VtError && /more than 16777216 bytes/.test(error.message));
});

test('a redirect is followed; another server is not told the token', async (t) => {
  const seen: IncomingMessage['headers'][] = [];
  const other = await listen(t, (request, response) => {
    seen.push(request.headers);
    response.end(DATA);
  });
  await using store = await storeBehind(
    t,
    (request, response) => {
      seen.push(request.headers);
      response.writeHead(302, { location: `${other}b` }).end();
    },
    'a-token-of-22-octets..',
  );
  assert.deepEqual(await store.get(HASHCODE), DATA);
  assert.deepEqual(
    seen.map(({ authorization }) => authorization),
    ['Bearer a-token-of-22-octets..', undefined],
  );
});

test('the body of a redirect is not read: it may have no end', async (t) => {
  const other = await listen(t, (_, response) => response.end(DATA));
  let letGo: (() => void) | undefined;
  const isLetGo = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await using store = await storeBehind(t, (_, response) => {
    response.writeHead(302, { location: `${other}b` });
    const send = (): void => {
      while (response.write(Buffer.alloc(64 * 1024)));
    };
    response.on('drain', send).once('close', () => letGo?.());
    send();
  });
  assert.deepEqual(await store.get(HASHCODE), DATA);
  await isLetGo;
});

test('a server that wants a token says so at once', async (t) => {
  let count = 0;
  await using store = await storeBehind(t, (_, response) => {
    count++;
    response.writeHead(401).end();
  });
  await assert.rejects(store.get(HASHCODE), (error: unknown) => error instanceof VtError && error.code === 'EPERM');
  assert.equal(count, 1);
});

test('many requests of one command wait for its signal without a warning; it ends them', async (t) => {
  let waiting = 0;
  const abort = new AbortController();
  await using store = await storeBehind(t, () => {
    if (++waiting === 32) abort.abort();
  });
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const asked = Array.from({ length: 40 }, async () => await store.get(HASHCODE, { signal: abort.signal }));
  for (const { status } of await Promise.allSettled(asked)) assert.equal(status, 'rejected');
  assert.deepEqual(warnings, []);
});

test('how durable adds are is told by a server that takes them', () => {
  const about = { hashName: 'sha3-256', edges: DEFAULT_EDGES, givesRecords: true, tellsMany: true, archives: [] } as const;
  for (const durability of ['none', undefined] as const) {
    const client = new HttpClient({ name: 'there', base: new URL('http://127.0.0.1/') });
    const store = new HttpStore(client, parseDescription(formatDescription({ ...about, durability })));
    assert.equal(capability(store, 'durability')?.durability, durability);
  }
});

test('the reason that a server gives is told, where it is one line of plain text', async (t) => {
  const url = await listen(t, (_, response) => response.writeHead(500).end('500: a Block of this is damaged\n'));
  const client = new HttpClient({ name: 'there', base: new URL(url) });
  t.after(() => client.close());
  await assert.rejects(
    client.get('h/x', { maxSize: 1000, tries: 1 }),
    (error: unknown) => error instanceof VtError && error.message.endsWith('it answered with 500: a Block of this is damaged'),
  );
});

test('a state of an archive that cannot be read is told with the name of the archive', async (t) => {
  await using store = await storeBehind(t, (_, response) => response.end('1 nonsense\n'));
  const archive = capability(store, 'archives')?.open('default', { readOnly: true });
  await assert.rejects(
    async () => await archive?.last(),
    (error: unknown) => error instanceof VtError && error.code === 'ECORRUPT' && error.message.includes('read archive "there:default"'),
  );
});
