import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { ParseError, VtError } from '../../../core/base/errors.ts';
import type { StoreSpecification } from '../../../core/store/open-store.ts';
import { openStore, parseStoreSpecification } from '../../../core/store/open-store.ts';
import { newStorePath } from './store-folder.ts';

const GOOD: readonly (readonly [text: string, expected: StoreSpecification])[] = [
  ['default', { kind: 'default' }],
  ['/srv/store', { kind: 'datadir', path: '/srv/store' }],
  ['store', { kind: 'datadir', path: 'store' }],
  ['./a:b', { kind: 'datadir', path: './a:b' }],
  ['~/vt', { kind: 'datadir', path: '~/vt' }],
  ['datadir:~/vt', { kind: 'datadir', path: '~/vt' }],
  ['datadir:/a path/with:colon', { kind: 'datadir', path: '/a path/with:colon' }],
  ['datadir:x?hash=blake3', { kind: 'datadir', path: 'x', hashName: 'blake3' }],
  ['memory:', { kind: 'memory' }],
  ['memory:1000', { kind: 'memory', maxBytes: 1000 }],
  ['memory:1000?hash=sha1', { kind: 'memory', maxBytes: 1000, hashName: 'sha1' }],
];

const BAD: readonly (readonly [text: string, offset: number, says: RegExp])[] = [
  ['', 0, /empty/],
  ['datadir:', 8, /path/],
  ['memory:many', 7, /number/],
  ['memory:-1', 7, /number/],
  ['ftp:host', 0, /unknown kind of Store "ftp"/],
  ['memory:?colour=red', 8, /unknown parameter "colour"/],
  ['memory:?hash=md5', 13, /sha3-256/],
  ['datadir:x?hash=sha1&hash=', 25, /sha3-256/],
];

describe('S40: Store specifications', () => {
  for (const [text, expected] of GOOD) it(`S40: "${text}" is read`, () => assert.deepEqual(parseStoreSpecification(text), expected));
  for (const [text, offset, says] of BAD) {
    it(`S40: "${text}" is refused at column ${offset}`, () => {
      assert.throws(
        () => parseStoreSpecification(text),
        (error) => error instanceof ParseError && error.offset === offset && says.test(error.message),
      );
    });
  }
});

it('S35: the default Store is made on first use, another only where it is asked for', async () => {
  const path = newStorePath();
  const environment = { defaultStorePath: path, cachePath: join(dirname(path), 'cache') };
  await assert.rejects(openStore(path, environment), (error) => error instanceof VtError && error.code === 'EOPEN');
  const store = await openStore('default', environment);
  const { hashcode } = await store.add(Buffer.from('kept'));
  await store[Symbol.asyncDispose]();
  assert.equal(store.hashName, 'sha3-256');
  const again = await openStore(`datadir:${path}`, environment);
  assert.ok(await again.get(hashcode));
  await again[Symbol.asyncDispose]();
  const other = join(dirname(path), 'other');
  const made = await openStore(`${other}?hash=x`, { ...environment, create: true, hashName: 'blake3' });
  assert.equal(made.hashName, 'blake3');
  await made[Symbol.asyncDispose]();
});

it('S40: a memory Store is opened by its specification', async () => {
  const store = await openStore('memory:100?hash=sha1', { defaultStorePath: '/nowhere', cachePath: '/nowhere' });
  assert.equal(store.hashName, 'sha1');
  assert.equal((await store.add(Buffer.alloc(100))).isNew, true);
  await assert.rejects(store.add(Buffer.alloc(1)), VtError);
  assert.ok(!existsSync('/nowhere'));
});
