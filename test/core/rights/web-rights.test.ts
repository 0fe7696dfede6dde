import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestHex } from '../../../core/block/hashcode.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { serveWeb } from '../../../core/http/server.ts';
import { RightsFile } from '../../../core/rights/rights-table.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import type { Store } from '../../../core/store/store.ts';
import type { ContentName, Holder } from './rights-fixture.ts';
import { CONTENTS, codeOf, fileOf, filledStore, record, rightsText, SECRETS, storedDir, writeRights } from './rights-fixture.ts';

interface Served {
  readonly url: string;
  readonly folder: string;
  readonly store: Store;
  readonly ask: (
    holder: Holder | string,
    path: string,
    method?: string,
  ) => Promise<{ readonly status: number; readonly body: string; readonly headers: IncomingMessage['headers'] }>;
  /** The Dirref of the whole tree of `family`. */
  readonly family: string;
}

async function served(t: TestContext): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-rights-'));
  const store = await filledStore(folder);
  const archive = archiveOf(store, 'family');
  assert.ok(archive !== undefined);
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store,
      archive: { name: 'family', archive },
      home: async () => await Promise.resolve('/archive/family/'),
      isPublic: false,
      now: () => new Date(),
      status: async () => await Promise.resolve([]),
      onFailure: () => undefined,
    },
    access: { table: RightsFile.open(writeRights(folder), () => undefined), hosts: new Set() },
  });
  t.after(async () => {
    await server[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const root = await archive.last();
  const { url } = server;
  assert.ok(root !== undefined);
  return {
    url,
    folder,
    store,
    family: encodeURIComponent(formatDirent(root.dirent)),
    ask: async (holder, path, method = 'GET') => {
      const secret = holder in SECRETS ? SECRETS[holder as Holder] : holder;
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request(new URL(path, server.url), { method, headers: { authorization: `Bearer ${secret}`, depth: '1' } }, resolve)
          .on('error', reject)
          .end();
      });
      return { status: response.statusCode ?? 0, body: await textOf(response), headers: response.headers };
    },
  };
}

const block = (name: ContentName): string => `/h/${digestHex(codeOf(name).digest)}.sha3-256`;
const records = (...names: ContentName[]): string =>
  `/r/${Buffer.concat(names.map((name) => codeOf(name).digest)).toString('base64url')}.sha3-256`;

/** What each is answered: owner, reader, adder, anna (add=anna), friend (read=family/photos). */
const ANSWERS: readonly (readonly [path: string, statuses: string, method?: string])[] = [
  ['/', '302 302 302 302 302'],
  ['/store', '200 200 200 200 200'],
  ['/status', '200 200 200 403 403'],
  ['/metrics', '200 200 200 403 403'],
  [block('photo'), '200 200 200 404 200'],
  [block('letter'), '200 200 200 404 404'],
  [block('letter'), '200 200 200 404 404', 'HEAD'],
  [block('anna'), '200 200 200 200 404'],
  [block('loose'), '200 200 200 404 404'],
  [block('photo').replace('/h/', '/i/'), '500 500 500 404 500'],
  [block('letter').replace('/h/', '/i/'), '500 500 500 404 404'],
  [records('photo'), '200 200 200 404 200'],
  [records('photo', 'letter'), '200 200 200 404 404'],
  [records('anna'), '200 200 200 200 404'],
  ['/archive/family/', '200 200 200 403 200'],
  ['/archive/family/?lines=all', '200 200 200 403 200'],
  ['/archive/family/?lines=last', '200 200 200 403 200'],
  ['/archive/family/?log', '200 200 200 403 200'],
  ['/archive/family/?tar', '200 200 200 403 200'],
  ['/archive/family/?zip', '200 200 200 403 200'],
  ['/archive/family/?vtd', '200 200 200 403 200'],
  ['/archive/family/?json', '200 200 200 403 200'],
  ['/archive/family/?q=plan', '200 200 200 403 200'],
  ['/archive/family/?diff=1', '200 200 200 403 200'],
  ['/archive/family@1/', '200 200 200 403 200'],
  ['/archive/family/letters/', '200 200 200 403 404'],
  ['/archive/family/letters/plan.txt', '200 200 200 403 404'],
  ['/archive/family/photos/sea.jpg', '200 200 200 403 404'],
  ['/archive/family/sea.jpg', '404 404 404 403 200'],
  ['/archive/family/sea.jpg?view', '404 404 404 403 200'],
  ['/archive/family/sea.jpg?log', '404 404 404 403 200'],
  ['/archive/family/sea.jpg?vtd', '404 404 404 403 200'],
  ['/archive/anna/', '200 200 200 200 403'],
  ['/archive/anna/anna.txt', '200 200 200 200 403'],
  ['/archive/nowhere/', '404 404 404 403 403'],
  ['/archive/nowhere/?lines=all', '200 200 200 403 403'],
  ['/archive/family/', '207 207 207 403 207', 'PROPFIND'],
  ['/archive/family/letters/', '207 207 207 403 404', 'PROPFIND'],
  ['/archive/anna/', '207 207 207 207 403', 'PROPFIND'],
  ['/archive/family/', '204 204 204 204 204', 'OPTIONS'],
  ['/archive/family/', '405 405 405 405 405', 'DELETE'],
];

test('every route is answered by the rights of the token', async (t) => {
  const { ask } = await served(t);
  for (const [path, statuses, method] of ANSWERS) {
    const found: number[] = [];
    for (const holder of Object.keys(SECRETS) as Holder[]) found.push((await ask(holder, path, method)).status);
    assert.equal(found.join(' '), statuses, `${method ?? 'GET'} ${path}`);
  }
});

test('a tree by its Dirref is there for who may read its Blocks', async (t) => {
  const { ask, family } = await served(t);
  for (const [path, statuses] of [
    [`/d/${family}/`, '200 200 200 404 404'],
    [`/d/${family}/?tar`, '200 200 200 404 404'],
    [`/d/${family}/?vtd`, '200 200 200 404 404'],
    [`/d/${family}/photos/sea.jpg`, '200 200 200 404 404'],
  ] as const) {
    const found: number[] = [];
    for (const holder of Object.keys(SECRETS) as Holder[]) found.push((await ask(holder, path)).status);
    assert.equal(found.join(' '), statuses, path);
  }
});

test('no answer to a friend tells of what is beside what she may see', async (t) => {
  const { ask, store } = await served(t);
  await record(
    store,
    'family',
    await storedDir(store, [fileOf('secret-plan.txt', { kind: 'hash', span: CONTENTS.loose.length, hashcode: codeOf('loose') })]),
    30,
  );
  assert.doesNotMatch((await ask('friend', '/store')).body, /anna/);
  assert.equal((await ask('friend', '/')).headers.location, '/archive/family/');
  assert.equal((await ask('anna', '/')).headers.location, '/archive/anna/');
  for (const [path] of ANSWERS) assert.doesNotMatch((await ask('friend', path)).body, /letters|plan\.txt|anna\.txt|secret/, path);
  // The state in which what she may see is gone is none of hers.
  assert.equal((await ask('friend', '/archive/family/?lines=all')).body.split('\n').length, 2);
  const [unknown, absent] = [await ask('friend', block('letter')), await ask('friend', block('letter').replace(/[0-9a-f]{8}/, '00000000'))];
  assert.deepEqual(
    [unknown.status, unknown.body, unknown.headers['cache-control']],
    [absent.status, absent.body, absent.headers['cache-control']],
  );
});

test('a tree made up in a URL leads to no Block that is not granted', async (t) => {
  const { ask } = await served(t);
  const hex = digestHex(codeOf('letter').digest);
  const reference = encodeURIComponent(`B{hash:H{sha3-256:${hex}},span:${CONTENTS.letter.length}}`);
  assert.equal((await ask('owner', `/d/${reference}`)).status, 200);
  assert.equal((await ask('friend', `/d/${reference}`)).status, 404);
});

test('a token that is removed opens nothing, and an answer that is under way ends', async (t) => {
  const { ask, folder, store, url } = await served(t);
  const many: Dirent[] = [];
  for (let i = 10; i < 90; i++) {
    const { hashcode } = await store.add(Buffer.alloc(1024 * 1024, `content ${i} `));
    many.push(fileOf(`file-${i}`, { kind: 'hash', span: 1024 * 1024, hashcode }));
  }
  await record(store, 'family', await storedDir(store, many), 30);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(new URL('/archive/family/?tar', url), { headers: { authorization: `Bearer ${SECRETS.reader}` } }, resolve)
      .on('error', reject)
      .end();
  });
  await new Promise((resolve) => response.once('readable', resolve));
  assert.equal((await ask('reader', '/archive/family/')).status, 200);
  writeRights(folder, rightsText(['reader']));
  // The rest of the answer is larger than what waits in sockets: it is not read before the server knows the new rights.
  while ((await ask('reader', '/archive/family/')).status === 200) await sleep(10);
  await assert.rejects(textOf(response));
  assert.equal((await ask('reader', '/archive/family/')).status, 401);
  assert.equal((await ask('owner', '/archive/family/')).status, 200);
  assert.equal((await ask('another-token-of-some-length', '/archive/family/')).status, 401);
});
