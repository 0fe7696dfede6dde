import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { formatArchiveLine } from '../../../core/archive/archive-line.ts';
import { digestHex, hashcodeOf } from '../../../core/block/hashcode.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import { serveWeb } from '../../../core/http/server.ts';
import { RightsFile } from '../../../core/rights/rights-table.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import type { Store } from '../../../core/store/store.ts';
import type { Holder } from './rights-fixture.ts';
import { CONTENTS, codeOf, content, fileOf, filledStore, SECRETS, storedDir, writeRights } from './rights-fixture.ts';

type Ask = (holder: Holder, method: string, path: string, body?: Buffer | string, headers?: Record<string, string>) => Promise<Response>;

const NOW = new Date('2026-11-30T12:00:00Z');

async function served(t: TestContext, writes = true): Promise<{ readonly store: Store; readonly ask: Ask }> {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-rights-'));
  const store = await filledStore(folder);
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: false,
      writes: writes ? { instance: 'one' } : undefined,
      now: () => NOW,
      onFailure: () => undefined,
    },
    access: { table: RightsFile.open(writeRights(folder), () => undefined), hosts: new Set() },
  });
  t.after(async () => {
    await server[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const ask: Ask = async (holder, method, path, body, headers = {}) =>
    await fetch(new URL(path, server.url), {
      method,
      headers: { authorization: `Bearer ${SECRETS[holder]}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  return { store, ask };
}

const NEW = content('new');
const pathOf = (data: Buffer, hash: 'sha3-256' | 'blake3' = 'sha3-256'): string => `/h/${digestHex(hashcodeOf(hash, data).digest)}.${hash}`;

const PUTS: readonly (readonly [
  what: string,
  holder: Holder,
  path: string,
  body: Buffer,
  status: number,
  headers?: Record<string, string>,
])[] = [
  ['a new Block', 'adder', pathOf(NEW), NEW, 201],
  ['one that is there', 'adder', pathOf(NEW), NEW, 204],
  ['one of nothing', 'anna', pathOf(Buffer.alloc(0)), Buffer.alloc(0), 201],
  ['bytes of another', 'adder', pathOf(NEW), content('other'), 400],
  ['a name of another hash function', 'adder', pathOf(NEW, 'blake3'), NEW, 409],
  ['too long a Block', 'adder', pathOf(NEW), Buffer.alloc(17 * 1024 * 1024), 413],
  ['a Block by who may read', 'reader', pathOf(NEW), NEW, 403],
  ['a Block from a page of another site', 'adder', pathOf(NEW), NEW, 403, { origin: 'http://evil.example' }],
  ['a place that is no Block', 'adder', '/d/x', NEW, 400],
  ['no name of a Block', 'adder', '/store', NEW, 405],
];

test('a Block is put under its own name by who may add', async (t) => {
  const { ask } = await served(t);
  for (const [what, holder, path, body, status, headers] of PUTS) {
    const answer = await ask(holder, 'PUT', path, body, headers).catch((error: unknown) => error);
    // Whoever sends too much may find the connection ended before it has read the answer.
    if (!(answer instanceof Response)) assert.equal(status, 413, what);
    else assert.equal(answer.status, status, `${what}: ${await answer.text()}`);
  }
  assert.match(await (await ask('reader', 'PUT', pathOf(NEW), NEW)).text(), /"reader" does not have the right add/);
  assert.deepEqual(Buffer.from(await (await ask('reader', 'GET', pathOf(NEW))).arrayBuffer()), NEW);
});

test('where writing was not asked for nothing is taken', async (t) => {
  const { ask } = await served(t, false);
  for (const holder of ['owner', 'adder', 'reader'] as const) {
    assert.equal((await ask(holder, 'PUT', pathOf(NEW), NEW)).status, 405);
    assert.equal((await ask(holder, 'POST', '/archive/new', formatDirent(EMPTY_ROOT))).status, 405);
    assert.equal((await ask(holder, 'OPTIONS', '/')).headers.get('allow'), 'GET, HEAD, OPTIONS, PROPFIND');
  }
});

test('which Blocks are there is told of many at once, by right', async (t) => {
  const { ask } = await served(t);
  const names = Buffer.concat([codeOf('photo'), codeOf('letter'), codeOf('anna'), hashcodeOf('sha3-256', NEW)].map(({ digest }) => digest));
  const path = `/r/${names.toString('base64url')}.sha3-256?has`;
  for (const [holder, digits] of [
    ['reader', '1110'],
    ['anna', '0010'],
    ['friend', '1000'],
  ] as const) {
    const answer = await ask(holder, 'GET', path);
    assert.equal(await answer.text(), digits);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  }
});

test('a state is recorded with what the client has seen as the newest, whole, and in the order of time', async (t) => {
  const { ask, store } = await served(t);
  const post = async (holder: Holder, archive: string, body: string, headers?: Record<string, string>): Promise<number> =>
    (await ask(holder, 'POST', `/archive/${archive}`, body, headers)).status;
  const leaf = (name: 'photo' | 'letter') => ({ kind: 'hash', span: CONTENTS[name].length, hashcode: codeOf(name) }) as const;
  const dir = await storedDir(store, [fileOf('a.jpg', leaf('photo'))]);
  const missing = formatDirent({ ...dir, block: { kind: 'hash', span: 9, hashcode: hashcodeOf('sha3-256', NEW) } });

  assert.equal(await post('adder', 'made', 'no Dirref'), 400);
  assert.equal(await post('adder', 'made', missing), 409);
  const first = await ask('adder', 'POST', '/archive/made', formatDirent(dir));
  assert.equal(first.status, 201);
  assert.match(await first.text(), /^1 2026-11-30T12:00:00\.000000000Z /);
  const seen = first.headers.get('etag') ?? '';
  const compressed = (await ask('adder', 'GET', '/archive/made/?lines=last')).headers.get('etag') ?? '';
  assert.equal(compressed, seen.replace(/"$/, '-gzip"'));
  assert.equal(await post('adder', 'made', formatDirent(dir)), 200);
  assert.equal(await post('adder', 'made', formatDirent(EMPTY_ROOT)), 428);
  assert.equal(await post('adder', 'made', formatDirent(EMPTY_ROOT), { 'if-none-match': '*' }), 412);
  assert.equal(await post('adder', 'made', formatDirent(EMPTY_ROOT), { 'if-match': '"another"' }), 412);
  assert.equal(await post('adder', 'made', formatDirent(EMPTY_ROOT), { 'if-match': compressed }), 201);
  assert.equal(await post('adder', 'made', formatDirent(dir), { 'if-match': seen }), 412);

  // A whole line keeps its date and notes.
  const notes = new Map([['message', 'from elsewhere']]);
  const line = (second: number): string =>
    formatArchiveLine({ whenNs: BigInt(NOW.getTime() / 1000 + second) * 1_000_000_000n, dirent: dir, notes: notes as never });
  assert.equal(await post('adder', 'made', line(-60), { 'if-match': '*' }), 409);
  assert.equal(await post('adder', 'made', line(3600), { 'if-match': '*' }), 409);
  assert.equal(await post('adder', 'made', line(60), { 'if-match': '*' }), 201);
  const last = await archiveOf(store, 'made')?.last();
  assert.equal(last?.number, 3);
  assert.equal(formatArchiveLine(last), line(60));
});

test('a state is recorded by who may add to that archive, and of Blocks that they may read', async (t) => {
  const { ask, store } = await served(t);
  for (const [holder, archive, status] of [
    ['reader', 'family', 403],
    ['friend', 'family', 403],
    ['anna', 'family', 403],
    ['anna', 'nowhere', 403],
    ['anna', 'anna', 201],
    ['owner', 'family', 201],
  ] as const) {
    const answer = await ask(holder, 'POST', `/archive/${archive}`, formatDirent(EMPTY_ROOT), { 'if-match': '*' });
    assert.equal(answer.status, status, `${holder} ${archive}: ${await answer.text()}`);
  }
  const stolen = await storedDir(store, [fileOf('stolen.txt', { kind: 'hash', span: CONTENTS.letter.length, hashcode: codeOf('letter') })]);
  const theft = await ask('anna', 'POST', '/archive/anna', formatDirent(stolen), { 'if-match': '*' });
  assert.equal(theft.status, 409);
  assert.equal((await ask('anna', 'GET', `/h/${digestHex(codeOf('letter').digest)}.sha3-256`)).status, 404);
});
