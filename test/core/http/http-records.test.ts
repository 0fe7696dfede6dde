import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { CorruptBlockError } from '../../../core/base/errors.ts';
import type { OpOptions } from '../../../core/base/op-options.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { digestHex } from '../../../core/block/hashcode.ts';
import { formatBlockNames } from '../../../core/http/block-content.ts';
import { HttpClient } from '../../../core/http/client/http-client.ts';
import { partsAsked } from '../../../core/http/client/http-records.ts';
import { HttpStore } from '../../../core/http/client/http-store.ts';
import { WebGateways } from '../../../core/http/gateways.ts';
import { parseDescription } from '../../../core/http/store-description.ts';
import { capability } from '../../../core/store/capability.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { BlockList } from '../../../core/sync/block-list.ts';
import { copyBlocks } from '../../../core/sync/copy-blocks.ts';
import { Pace } from '../../../core/sync/pace.ts';

/** A Store in which one Block is damaged. */
class DamagedStore extends MemoryStore {
  damaged: string | undefined;

  override async get(hashcode: HashCode, options?: OpOptions): Promise<Uint8Array | undefined> {
    const hex = digestHex(hashcode.digest);
    if (hex === this.damaged) throw new CorruptBlockError(hex, this.name, 'its bytes have another hash');
    return await super.get(hashcode, options);
  }
}

/** A Store of some Blocks, its server, and what was asked of that. */
async function served(
  t: TestContext,
  count: number,
  change: (listener: RequestListener) => RequestListener = (listener) => listener,
): Promise<{
  readonly store: DamagedStore;
  readonly hashcodes: readonly HashCode[];
  readonly client: HttpStore;
  readonly asked: string[];
  readonly base: URL;
}> {
  const store = new DamagedStore();
  const hashcodes: HashCode[] = [];
  for (let i = 0; i < count; i++) hashcodes.push((await store.add(Buffer.from(`Block ${i} of some`))).hashcode);
  const gateways = new WebGateways(
    {
      store,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: true,
      now: () => new Date(),
      onFailure: () => undefined,
    },
    undefined,
  );
  const gateway = gateways.of(undefined);
  const asked: string[] = [];
  const listener = change((request, response) => void gateway.answer(request, response, new AbortController().signal));
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const client = new HttpStore(
    new HttpClient({ name: 'there', base }),
    parseDescription('{"vtftp":1,"hash":"sha3-256","records":true,"archives":[]}'),
  );
  t.after(async () => {
    await client[Symbol.asyncDispose]();
    await gateways[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });
  return { store, hashcodes, client, asked, base };
}

async function textsOf(client: HttpStore, hashcodes: readonly HashCode[]): Promise<(string | undefined)[]> {
  const found = await Promise.allSettled(hashcodes.map(async (hashcode) => await client.get(hashcode)));
  return found.map((result) =>
    result.status === 'fulfilled' ? result.value && Buffer.from(result.value).toString() : (result.reason as Error).name,
  );
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => `Block ${i} of some`);

test('Blocks that are wanted at the same time come together', async (t) => {
  const { hashcodes, client, asked } = await served(t, 500);
  assert.deepEqual(await textsOf(client, hashcodes), texts(500));
  assert.ok(asked.length < 20 && asked.every((url) => url.startsWith('/r/') && url.length < 8000), asked.join('\n'));
});

test('a damaged Block is told from one that the server cannot give just now: it is asked for once', async (t) => {
  const { store, hashcodes, client, asked } = await served(t, 1);
  store.damaged = digestHex((hashcodes[0] as HashCode).digest);
  assert.deepEqual(await textsOf(client, hashcodes), ['CorruptBlockError']);
  assert.equal(asked.length, 1);
});

test('where one of them is damaged or missing, the others come all the same', async (t) => {
  const { store, hashcodes, client } = await served(t, 40);
  store.damaged = digestHex((hashcodes[7] as HashCode).digest);
  const missing = { hashName: 'sha3-256', digest: new Uint8Array(32) } as const;
  const wanted: (string | undefined)[] = texts(40);
  wanted[7] = 'CorruptBlockError';
  assert.deepEqual(await textsOf(client, [...hashcodes, missing]), [...wanted, undefined]);
});

test('what a proxy changes on the way does not come out, and Blocks are asked for one by one then', async (t) => {
  const { hashcodes, client, asked } = await served(t, 40, (listener) => (request, response) => {
    if (request.url?.startsWith('/r/')) response.end('<html>Please log in</html>');
    else listener(request, response);
  });
  assert.deepEqual(await textsOf(client, hashcodes), texts(40));
  assert.equal(asked.filter((url) => url.startsWith('/h/')).length, 40);
});

test('a copy of many Blocks takes a few requests, and brings the others where one is damaged', async (t) => {
  const { store, hashcodes, client, asked } = await served(t, 1000);
  store.damaged = digestHex((hashcodes[500] as HashCode).digest);
  const list = new BlockList(32);
  for (const { digest } of hashcodes) list.add(digest, -1);
  const target = new MemoryStore();
  const faults: Error[] = [];
  await copyBlocks(client, target, list, {
    pace: new Pace(undefined, undefined),
    onCopied: () => undefined,
    onFault: (_, error) => faults.push(error),
  });
  assert.equal((await target.has(hashcodes)).filter((isThere) => isThere).length, 999);
  assert.ok(faults.length === 1 && faults[0] instanceof CorruptBlockError);
  assert.ok(asked.length < 250, String(asked.length));
});

test('an answer that takes long holds up no others; all come in their order', async (t) => {
  let answered = 0;
  let release: () => void = () => undefined;
  const manyAnswered = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isFirst = true;
  const { hashcodes, client } = await served(t, 3000, (listener) => (request, response) => {
    response.once('finish', () => {
      if (++answered === 30) release();
    });
    const isHeld = isFirst;
    isFirst = false;
    if (isHeld) void manyAnswered.then(() => listener(request, response));
    else listener(request, response);
  });
  const digests = Buffer.concat(hashcodes.map(({ digest }) => digest));
  const came: Uint8Array[] = [];
  for await (const batch of capability(client, 'recordSource')?.records(digests) ?? []) came.push(Buffer.from(batch.digests));
  assert.ok(answered >= 30);
  assert.deepEqual(Buffer.concat(came), digests);
});

test('caches keep the answer about many Blocks, and none where one is missing', async (t) => {
  const { hashcodes, base } = await served(t, 3);
  const digests = Buffer.concat(hashcodes.map(({ digest }) => digest));
  const all = await fetch(`${base}r/${formatBlockNames(digests, 'sha3-256')}`);
  assert.equal(all.status, 200);
  assert.equal(all.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  const again = await fetch(all.url, { headers: { 'if-none-match': all.headers.get('etag') ?? '', range: 'bytes=0-3' } });
  assert.equal(again.status, 304);
  const missing = await fetch(`${base}r/${formatBlockNames(Buffer.concat([digests, Buffer.alloc(32)]), 'sha3-256')}`);
  assert.equal(missing.status, 404);
  assert.equal(missing.headers.get('cache-control'), 'no-store');
  for (const name of ['', 'AA.sha3-256', `${'A'.repeat(43)}.sha1`, `${'A'.repeat(12_000)}.sha3-256`])
    assert.equal((await fetch(`${base}r/${name}`)).status, 404, name);
});

test('questions end at the same digests whatever came before', () => {
  const digests = new Uint8Array(32 * 5000);
  for (let i = 0, x = 1; i < digests.length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    digests[i] = x >>> 24;
  }
  const keys = (from: number): string[] =>
    [...partsAsked(digests.subarray(from * 32), undefined, 32)].map((part) => Buffer.from(part).toString('hex'));
  const all = keys(0);
  assert.equal(all.join(''), Buffer.from(digests).toString('hex'));
  const later = new Set(keys(1234));
  const shared = all.filter((part) => later.has(part)).length;
  assert.ok(shared > all.length / 2, `${shared} of ${all.length}`);
});
