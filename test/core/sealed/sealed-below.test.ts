import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { openStore } from '../../../core/openers/open-store.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { makeRandom } from '../../support/random.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { SealedPlace } from '../../support/sealed/sealed-stores.ts';

// What the Store below a sealed one gets to see, and what it can do.

const TEXTS = ['the first secret letter', 'the second secret letter, which is longer', 'a third'];
const ARCHIVE = 'holiday plans';
const CACHE_KEY = 'path of a local file';
const seed = Number(process.env['VTFTP_TEST_SEED'] ?? 1 + Math.floor(Math.random() * 1e6));

let place: SealedPlace;
before(() => {
  place = new SealedPlace();
});
after(() => place.remove());

/** Puts something of each kind into a Store. @returns what nobody else may see */
async function fill(store: Store): Promise<Buffer[]> {
  const secrets: Buffer[] = [ARCHIVE, CACHE_KEY, 'who made it', ...TEXTS].map((text) => Buffer.from(text));
  for (const text of TEXTS) secrets.push(Buffer.from((await store.add(Buffer.from(text))).hashcode.digest));
  capability(store, 'cache')?.put(Buffer.from(CACHE_KEY), Buffer.from('a cached value'));
  secrets.push(Buffer.from('a cached value'));
  const dirent = rootOf(TEXTS[0] ?? '');
  const notes = new Map([['author', 'who made it' as Octets]]);
  await archiveOf(store, ARCHIVE)?.append(async () => await Promise.resolve({ whenNs: 1n, dirent, notes }));
  secrets.push(Buffer.from(formatDirent(dirent)));
  await store.flush();
  const journals = capability(store, 'journals');
  if (journals !== undefined) {
    const journal = journals.begin('00000000-0000-4000-8000-000000000001', 1);
    journal.append(Buffer.from('what a mount wrote'));
    await journal.sync();
    await journal.close();
    secrets.push(Buffer.from('what a mount wrote'));
  }
  return secrets;
}

function rootOf(text: string): DirDirent {
  return {
    kind: 'dir',
    name: '' as Octets,
    meta: {},
    block: { kind: 'hash', span: text.length, hashcode: hashcodeOf('sha3-256', Buffer.from(text)) },
  };
}

function assertUnseen(octets: Buffer, where: string, secrets: readonly Buffer[]): void {
  for (const secret of secrets)
    for (const form of [
      secret,
      ...(['hex', 'base64', 'base64url'] as const).map((code) => Buffer.from(secret.toString(code).replace(/.?=*$/, ''))),
    ])
      assert.ok(!octets.includes(form), `${where} tells ${secret.toString('latin1')}`);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe('the Store below a sealed one', () => {
  it('a datadir and the caches of this machine hold no plain digest, name, content, cached value or journal', async () => {
    const store = await place.open(`datadir:${place.path('seen')}`);
    const secrets = await fill(store);
    await store[Symbol.asyncDispose]();
    const files = filesBelow(place.path('seen'));
    assert.ok(files.some((file) => file.includes('/journals/')) && files.some((file) => file.includes('/archives/')));
    for (const file of files) assertUnseen(Buffer.concat([Buffer.from(file), readFileSync(file)]), file, secrets);
  });

  it('neither does a bucket, nor what this machine keeps of it', async () => {
    await using fake = await FakeS3.start();
    const store = await place.open(`s3://tests/p?endpoint=${fake.endpoint}`, { environment: keysIn(FAKE_KEYS) });
    const secrets = await fill(store);
    await store[Symbol.asyncDispose]();
    assert.ok(fake.keys('packs/').length > 0 || fake.objects.size > 3);
    for (const [key, { body }] of fake.objects) assertUnseen(Buffer.concat([Buffer.from(key), body]), key, secrets);
    for (const file of filesBelow(place.path('cache'))) assertUnseen(readFileSync(file), file, secrets);
  });

  it('objects of a bucket in the place of each other, or of those of another key, give no other content and no other root', async () => {
    await using fake = await FakeS3.start();
    const environment = keysIn(FAKE_KEYS);
    const at = (prefix: string): string => `s3://tests/${prefix}?endpoint=${fake.endpoint}`;
    const keyFile = place.makeKey('mine');
    for (const prefix of ['mine', 'theirs']) {
      const store = await place.open(at(prefix), { environment }, prefix === 'mine' ? keyFile : place.keyFile);
      await fill(store);
      await archiveOf(store, 'other')?.append(async () => await Promise.resolve({ whenNs: 5n, dirent: rootOf(TEXTS[1] ?? '') }));
      await store[Symbol.asyncDispose]();
    }
    const whole = new Map(fake.objects);
    const keys = [...whole.keys()].filter((key) => /mine/.test(key));
    assert.ok(keys.length >= 4);
    let refused = 0;
    let read = 0;
    for (const key of keys)
      for (const [from, object] of whole) {
        if (from === key) continue;
        fake.objects.clear();
        for (const [name, each] of whole) fake.objects.set(name, name === key ? { ...each, body: object.body } : each);
        try {
          // Nothing of it is cached here.
          const store = await place.open(at('mine'), { environment, cachePath: undefined }, keyFile);
          try {
            for (const text of TEXTS) {
              const got = await store.get(hashcodeOf('sha3-256', Buffer.from(text)));
              if (got === undefined) continue;
              assert.equal(Buffer.from(got).toString(), text, `${from} as ${key}`);
              read++;
            }
            const roots = { [ARCHIVE]: formatDirent(rootOf(TEXTS[0] ?? '')), other: formatDirent(rootOf(TEXTS[1] ?? '')) };
            for (const [name, root] of Object.entries(roots))
              for await (const { dirent } of archiveOf(store, name)?.entries({ onDamage: () => refused++ }) ?? [])
                assert.equal(formatDirent(dirent), root, `${from} as ${key}`);
          } finally {
            await store[Symbol.asyncDispose]();
          }
        } catch (error) {
          assert.ok(error instanceof VtError, `${from} as ${key}: ${String(error)}`);
          refused++;
        }
      }
    assert.ok(refused > 0 && read > 0, `${refused} refused, ${read} read`);
  });

  it('equal contents under two keys have no name and no octets in common', async () => {
    const contents = Array.from({ length: 20 }, () => randomBytes(3000));
    const stored = async (key: string): Promise<{ names: string[]; octets: Buffer }> => {
      const store = await place.open(`datadir:${place.path(`two-${key}`)}`, {}, place.makeKey(key));
      for (const data of contents) await store.add(data);
      await store.flush();
      const names: string[] = [];
      const below = capability(store, 'sealing')?.below;
      assert.ok(below !== undefined);
      for await (const { digest } of capability(below, 'enumeration')?.hashcodes() ?? []) names.push(Buffer.from(digest).toString('hex'));
      await store[Symbol.asyncDispose]();
      return { names, octets: Buffer.concat(filesBelow(place.path(`two-${key}/data`)).map((file) => readFileSync(file))) };
    };
    const [one, two] = [await stored('one'), await stored('two')];
    assert.equal(one.names.length, 20);
    assert.ok(one.names.every((name) => !two.names.includes(name)));
    // A window of 16 octets in a sealed content: of 64 KiB chance gives none.
    for (let at = 200; at + 16 < one.octets.length; at += 509)
      assert.ok(!two.octets.includes(one.octets.subarray(at, at + 16)), `at ${at}`);
  });

  it(`a flipped bit anywhere in a datadir gives no other content and no other root (seed ${seed})`, async () => {
    const random = makeRandom(seed);
    const store = await place.open(`datadir:${place.path('whole')}`);
    await fill(store);
    await store[Symbol.asyncDispose]();
    for (const file of filesBelow(place.path('whole')).filter((name) => /\/(?:data|archives)\/[^/]*$/.test(name))) {
      const whole = readFileSync(file);
      for (let round = 0; round < 60; round++) {
        const at = random.below(whole.length);
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] as number) ^ (1 << random.below(8));
        writeFileSync(file, changed);
        await assertTrueOrDamaged(place.path('whole'), `${file} at ${at}`);
      }
      writeFileSync(file, whole);
    }
    const again = await place.open(`datadir:${place.path('whole')}`);
    for (const text of TEXTS) assert.ok((await again.get(hashcodeOf('sha3-256', Buffer.from(text)))) !== undefined);
    await again[Symbol.asyncDispose]();
  });

  it('an archive that is put in the place of another, or a line that is moved there, is no state of it', async () => {
    const store = await place.open(`datadir:${place.path('moved')}`);
    await fill(store);
    await archiveOf(store, 'other')?.append(async () => await Promise.resolve({ whenNs: 5n, dirent: rootOf(TEXTS[1] ?? '') }));
    const folder = place.path('moved/archives');
    const [one, two] = readdirSync(folder).filter((name) => name !== 'keys.vt');
    cpSync(join(folder, one ?? ''), join(folder, two ?? ''));
    for (const name of [ARCHIVE, 'other']) {
      const reasons: string[] = [];
      for await (const { dirent } of archiveOf(store, name)?.entries({ onDamage: (_, reason) => void reasons.push(reason) }) ?? [])
        assert.equal(formatDirent(dirent), formatDirent(rootOf(TEXTS[name === ARCHIVE ? 0 : 1] ?? '')));
      if (reasons.length > 0) assert.match(reasons.join(), /its seal is broken/);
    }
    await store[Symbol.asyncDispose]();
  });

  it('it takes nothing that is not sealed, and gc without the key removes nothing', async () => {
    const store = await place.open(`datadir:${place.path('bare')}`);
    await fill(store);
    await store[Symbol.asyncDispose]();
    const bare = await openStore(`datadir:${place.path('bare')}`, { defaultStorePath: undefined, cachePath: undefined });
    const isRefused = (error: unknown): boolean => error instanceof VtError && error.code === 'EPERM' && /sealed/.test(error.message);
    await assert.rejects(bare.add(Buffer.from('plain')), isRefused);
    const { gc } = await import('../../../core/maintain/gc.ts');
    const { requireDatadir } = await import('../../../core/maintain/datadir-of.ts');
    await assert.rejects(gc(requireDatadir(bare, 'gc'), { graceMs: 0, plan: false, now: () => new Date() }), isRefused);
    await bare[Symbol.asyncDispose]();
  });

  it('keys that are gone, or both copies of which are damaged, are told, and no new ones are made', async () => {
    const store = await place.open(`datadir:${place.path('keyless')}`);
    await fill(store);
    await store[Symbol.asyncDispose]();
    const file = place.path('keyless/archives/keys.vt');
    const whole = readFileSync(file);
    const notices: string[] = [];
    const damaged = Buffer.from(whole);
    damaged[whole.length - 30] = damaged.at(-30) === 0x78 ? 0x79 : 0x78;
    writeFileSync(file, damaged);
    const other = await place.open(`datadir:${place.path('keyless')}`, { onNotice: (notice) => void notices.push(notice) });
    await other[Symbol.asyncDispose]();
    assert.match(notices.join(), /a copy of its keys is damaged/);
    const isLost = (error: unknown): boolean => error instanceof VtError && error.code === 'ECORRUPT' && /keys/.test(error.message);
    writeFileSync(file, whole.toString('latin1').replaceAll('wrapped', 'wropped'));
    await assert.rejects(place.open(`datadir:${place.path('keyless')}`), isLost);
    writeFileSync(file, '');
    await assert.rejects(place.open(`datadir:${place.path('keyless')}`), isLost);
  });
});

/** Reads all that was put: each is what it was, or is told to be damaged. */
async function assertTrueOrDamaged(path: string, where: string): Promise<void> {
  const damaged = (error: unknown): void =>
    assert.ok(error instanceof VtError && ['ECORRUPT', 'EPARSE', 'EPERM'].includes(error.code), `${where}: ${String(error)}`);
  let store: Store;
  try {
    store = await place.open(`datadir:${path}`, { readOnly: true, create: false });
  } catch (error) {
    damaged(error);
    return;
  }
  try {
    for (const text of TEXTS) {
      try {
        const data = await store.get(hashcodeOf('sha3-256', Buffer.from(text)));
        if (data !== undefined) assert.equal(Buffer.from(data).toString(), text, where);
      } catch (error) {
        damaged(error);
      }
    }
    for await (const { dirent, notes } of archiveOf(store, ARCHIVE)?.entries() ?? []) {
      assert.equal(formatDirent(dirent), formatDirent(rootOf(TEXTS[0] ?? '')), where);
      assert.equal(notes?.get('author'), 'who made it', where);
    }
  } finally {
    await store[Symbol.asyncDispose]();
  }
}
