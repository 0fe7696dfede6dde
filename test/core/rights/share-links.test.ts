import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { serveWeb } from '../../../core/http/server.ts';
import type { Share } from '../../../core/http/share-link.ts';
import { formatShare, readShare } from '../../../core/http/share-link.ts';
import { RightsFile } from '../../../core/rights/rights-table.ts';
import type { Store } from '../../../core/store/store.ts';
import type { Holder } from './rights-fixture.ts';
import { CONTENTS, codeOf, fileOf, filledStore, record, rightsText, SECRETS, storedDir, writeRights } from './rights-fixture.ts';

const NOW = new Date('2026-11-30T12:00:00Z');
const WEEK_S = 7 * 86_400;

interface Served {
  readonly folder: string;
  readonly store: Store;
  readonly link: (holder: Holder, names: string, more?: Partial<Share>) => string;
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
  passTime: (seconds: number) => void;
}

async function served(t: TestContext): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-rights-'));
  const store = await filledStore(folder);
  const table = RightsFile.open(writeRights(folder), () => undefined);
  let now = NOW;
  const server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: false,
      writes: { instance: 'one' },
      now: () => now,
      onFailure: () => undefined,
    },
    access: { table, hosts: new Set() },
  });
  t.after(async () => {
    await server[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    store,
    link: (name, names, more = {}) => {
      const holder = table.holders().find((one) => one.name === name);
      assert.ok(holder !== undefined);
      const untilS = NOW.getTime() / 1000 + WEEK_S;
      return formatShare(
        {
          holder: name,
          archive: 'family',
          names: names.split('/').filter(Boolean) as Octets[],
          state: undefined,
          untilS,
          hasPast: false,
          ...more,
        },
        holder,
      );
    },
    get: async (path, init = {}) => await fetch(new URL(path, server.url), { redirect: 'manual', ...init }),
    passTime: (seconds) => {
      now = new Date(now.getTime() + seconds * 1000);
    },
  };
}

const leafOf = (name: 'photo' | 'letter') => ({ kind: 'hash', span: CONTENTS[name].length, hashcode: codeOf(name) }) as const;

test('who has a link sees what it is for, without a token, and nothing beside it', async (t) => {
  const { link, get } = await served(t);
  const base = link('reader', 'photos');
  const page = await get(base);
  assert.equal(page.status, 200);
  const text = await page.text();
  assert.match(text, /sea\.jpg/);
  assert.doesNotMatch(text, /letters|family|History/);
  assert.deepEqual(Buffer.from(await (await get(`${base}sea.jpg`)).arrayBuffer()), CONTENTS.photo);
  for (const [path, status, method] of [
    [`${base}?tar`, 200],
    [`${base}?json`, 200],
    [`${base}?q=sea`, 200],
    [`${base}sea.jpg?view`, 200],
    [base, 207, 'PROPFIND'],
    [base, 204, 'OPTIONS'],
    [base.slice(0, -1), 301],
    [`${base}plan.txt`, 404],
    [`${base}letters/plan.txt`, 404],
    [`${base}%2e%2e/letters/plan.txt`, 404],
    [base, 405, 'PUT'],
    [base, 405, 'POST'],
    ['/archive/family/', 401],
    ['/share/', 404],
    ['/share/abc.def/', 404],
  ] as const) {
    const answer = await get(path, { method: method ?? 'GET', headers: { depth: '1' } });
    assert.equal(answer.status, status, `${method ?? 'GET'} ${path}`);
    await answer.arrayBuffer();
  }
});

test('a link is for one file too', async (t) => {
  const { link, get } = await served(t);
  const base = link('reader', 'letters/plan.txt');
  assert.deepEqual(Buffer.from(await (await get(`${base}plan.txt`)).arrayBuffer()), CONTENTS.letter);
  assert.match(await (await get(`${base}?simple`)).text(), /^plan\.txt\n$/);
  assert.equal((await get(`${base}plan.txt?view`)).status, 200);
});

test('a link ends by its date, by the end of its line, and by another secret; nobody makes another of it', async (t) => {
  const { link, get, folder, passTime } = await served(t);
  const base = link('reader', 'photos');
  const [, said = '', proof = ''] = /^\/share\/(.*)\.(.*)\/$/.exec(base) ?? [];
  const changed = Buffer.from(Buffer.from(said, 'base64url').toString().replace('photos', 'letters')).toString('base64url');
  assert.equal((await get(`/share/${changed}.${proof}/`)).status, 404);
  assert.equal((await get(`/share/${said}.${proof.slice(0, -2)}/`)).status, 404);
  assert.equal((await get(base)).status, 200);
  writeRights(folder, rightsText(['reader']));
  assert.equal((await get(base)).status, 404);
  writeRights(folder, rightsText().replace(SECRETS.reader, 'another-secret-of-the-reader'));
  assert.equal((await get(base)).status, 404);
  writeRights(folder);
  assert.equal((await get(base)).status, 200);
  passTime(WEEK_S - 1);
  assert.equal((await get(base)).status, 200);
  passTime(1);
  assert.equal((await get(base)).status, 410);
});

test('a link shows the newest state, or one for ever', async (t) => {
  const { link, get, store } = await served(t);
  const [newest, fixed] = [link('reader', 'photos'), link('reader', 'photos', { state: '@1.000000000' })];
  const names = async (base: string): Promise<string> => await (await get(`${base}?simple`)).text();
  assert.equal(await names(newest), await names(fixed));
  await record(store, 'family', await storedDir(store, [await storedDir(store, [fileOf('new.jpg', leafOf('photo'))], 'photos')]), 30);
  assert.equal(await names(newest), 'new.jpg\nzz\n');
  assert.equal(await names(fixed), 'sea.jpg\nzz\n');
});

test('a link with the past shows what the part was, what changed in it, and nothing beside it', async (t) => {
  const { link, get, store } = await served(t);
  const plan = await storedDir(store, [fileOf('plan.txt', leafOf('letter'))], 'letters');
  const later = await storedDir(store, [fileOf('new.jpg', leafOf('photo'))], 'photos');
  await record(store, 'family', await storedDir(store, [plan, later]), 30);
  await record(store, 'family', await storedDir(store, [await storedDir(store, [], 'letters'), later]), 40);
  const [base, closed] = [link('reader', 'photos', { hasPast: true }), link('reader', 'photos')];
  const at = (state: string): string => `${base.slice(0, -1)}@${state}/`;
  const text = async (path: string): Promise<string> => await (await get(path)).text();
  assert.equal(await text(`${base}?simple`), 'new.jpg\nzz\n');
  assert.equal(await text(`${at('1')}?simple`), 'sea.jpg\nzz\n');
  assert.match(await text(base), /href="\/share\/[^"]*\/\?log">History/);
  const log = await text(`${base}?log`);
  assert.match(log, /@2<[\s\S]*@1</);
  assert.doesNotMatch(log, /@3|letters|family/);
  assert.match(await text(`${base}?diff=1`), /1 new, 0 changed, 1 gone/);
  assert.match(await text(`${at('1')}sea.jpg?log`), /@1</);
  for (const [path, status] of [
    [`${at('1')}sea.jpg`, 200],
    [`${at('2')}sea.jpg`, 404],
    [`${at('3')}`, 404],
    [`${at('1')}`.slice(0, -1), 301],
    [`${at('%zz')}`, 400],
    [`${base}?diff=9`, 404],
    [`${base}?diff=D{block:B{hash:H{sha3-256:${'0'.repeat(64)}}}}`, 404],
    [`${closed.slice(0, -1)}@1/`, 404],
    [`${closed}?diff=1`, 400],
  ] as const)
    assert.equal((await get(path)).status, status, path);
  assert.doesNotMatch(await text(`${closed}?log`), /sea\.jpg|@1/);
});

test('a link for one file has the past of that', async (t) => {
  const { link, get, store } = await served(t);
  const letters = await storedDir(store, [fileOf('plan.txt', leafOf('photo'))], 'letters');
  await record(store, 'family', await storedDir(store, [letters]), 30);
  const base = link('reader', 'letters/plan.txt', { hasPast: true });
  const bytes = async (path: string): Promise<Buffer> => Buffer.from(await (await get(path)).arrayBuffer());
  assert.deepEqual(await bytes(`${base}plan.txt`), CONTENTS.photo);
  assert.deepEqual(await bytes(`${base.slice(0, -1)}@1/plan.txt`), CONTENTS.letter);
  assert.match((await bytes(`${base}plan.txt?log`)).toString(), /@2<[\s\S]*@1</);
});

test('no symlink leads out of what is shared, or makes something else of it', async (t) => {
  const { link, get, store } = await served(t);
  const out: Dirent = { kind: 'symlink', name: 'out' as Octets, meta: {}, target: '../letters/plan.txt' as Octets };
  const letters = await storedDir(store, [fileOf('plan.txt', leafOf('letter'))], 'letters');
  const base = link('reader', 'photos');
  await record(store, 'family', await storedDir(store, [letters, await storedDir(store, [out], 'photos')]), 30);
  assert.equal((await get(`${base}out`)).status, 404);
  await record(store, 'family', await storedDir(store, [letters, { ...out, name: 'photos' as Octets, target: 'letters' as Octets }]), 40);
  assert.equal((await get(base)).status, 404);
});

test('a link has no more rights than its line', async (t) => {
  const { link, get } = await served(t);
  assert.match(await (await get(`${link('friend', '')}?simple`)).text(), /^sea\.jpg\n/);
  for (const names of ['letters', 'photos']) assert.equal((await get(link('friend', names))).status, 404);
  assert.equal((await get(link('anna', 'photos'))).status, 403);
});

test('text that is no link is none', () => {
  const said = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const path of [
    `/share/${said([1, 'a', 'b', 'c', '', 1])}.x/`,
    `/share/${said([2])}.x/`,
    `/share/${said(null)}.x/`,
    '/share/!.x/',
    `/share/${'A'.repeat(10_000)}.x/`,
  ])
    assert.equal(readShare(path, []), undefined);
});
