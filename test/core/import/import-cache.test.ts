import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { FileSignature } from '../../../core/base/system/file-signature.ts';
import { NO_OWNER_NAMES } from '../../../core/base/system/owner-names.ts';
import { encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { CachedDir, CacheWriter, cacheKey, isCachedSignature } from '../../../core/import/import-cache.ts';
import { makeRandom } from '../../support/random.ts';

const KEY = cacheKey({ dev: 1n, ino: 2n }, 0);
const EMPTY = { kind: 'literal', span: 0, data: new Uint8Array(0) } as const;
const NOBODY = { users: new Map([[7, undefined]]), groups: new Map() };

interface Entry {
  readonly name: Octets;
  readonly signature: FileSignature;
  readonly record: Uint8Array;
}

/** Entries as those of a directory of small files. */
function makeEntries(count: number): Entry[] {
  const random = makeRandom(31);
  return Array.from({ length: count }, (_, i) => {
    const name = `file-${String(i).padStart(7, '0')}` as Octets;
    const mtimeNs = 1_700_000_000_000_000_000n + BigInt(i) * 1_234_567n;
    const digest = Uint8Array.from({ length: 32 }, () => random.below(256));
    return {
      name,
      signature: { dev: 64n, ino: BigInt(5_000_000 + i), size: 490n, mtimeNs, ctimeNs: mtimeNs + 5_000n },
      record: encodeDirent({
        kind: 'file',
        name,
        meta: { mtimeNs, mode: 0o644 },
        block: { kind: 'hash', span: 490, hashcode: { hashName: 'sha3-256', digest } },
      }),
    };
  });
}

function keptOf(entries: readonly Entry[]): Uint8Array {
  const writer = new CacheWriter();
  for (const { name, signature, record } of entries) writer.add(name, signature, record, undefined);
  return writer.finish(EMPTY, 3, NOBODY);
}

function load(value: Uint8Array): CachedDir | undefined {
  return CachedDir.load({ get: () => value, put: () => undefined }, KEY, NO_OWNER_NAMES);
}

for (const count of [0, 1, 20, 100, 2000, 40_000]) {
  test(`what is remembered of a directory of ${count} entries comes back`, () => {
    const entries = makeEntries(count);
    const dir = load(keptOf(entries));
    assert.ok(dir);
    assert.equal(dir.links, 3);
    assert.deepEqual(dir.block, EMPTY);
    let at = dir.start;
    for (const { name, signature, record } of entries) {
      const entry = dir.entryAt(at);
      assert.ok(entry);
      assert.equal(entry.name, name);
      assert.ok(isCachedSignature(entry.signature, signature));
      assert.ok(!isCachedSignature(entry.signature, { ...signature, ctimeNs: signature.ctimeNs + 1n }));
      assert.deepEqual(Buffer.from(entry.record), Buffer.from(record));
      at = entry.end;
    }
    assert.equal(dir.entryAt(at), undefined);
  });
}

test('of a hundred files less than 80 octets each are kept beside the Store', () => {
  const { length } = keptOf(makeEntries(100));
  assert.ok(length < 8000, `${length} octets`);
});

test('a value that lost its end, or is none, remembers nothing and throws nothing', () => {
  const value = keptOf(makeEntries(100));
  for (let length = 0; length < value.length; length += 7) assert.equal(load(value.subarray(0, length)), undefined);
  for (let first = 1; first < 256; first++) load(Uint8Array.of(first, ...value.subarray(1, 40)));
});
