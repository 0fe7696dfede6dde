import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PRIVATE_ACCESS } from '../../../../core/base/system/store-files.ts';
import type { Block } from '../../../../core/block/block.ts';
import { sameBlock, UNKNOWN_SPAN } from '../../../../core/block/block.ts';
import { formatBlock } from '../../../../core/block/block-text.ts';
import type { HashName } from '../../../../core/block/hash.ts';
import { hashByName } from '../../../../core/block/hash.ts';
import { sortRecords } from '../../../../core/datadir/names/name-order.ts';
import type { NamePair } from '../../../../core/datadir/names/name-record.ts';
import { decodeNameRecord, encodeNameRecord, keyOf, NAME_RECORD_SIZE } from '../../../../core/datadir/names/name-record.ts';
import { NameRun, writeNameRun } from '../../../../core/datadir/names/name-run.ts';
import { StoreNames } from '../../../../core/datadir/names/store-names.ts';
import type { Random } from '../../../support/random.ts';
import { makeRandom } from '../../../support/random.ts';
import { makeScratch } from '../../../support/scratch.ts';

const HASHES = ['sha1', 'sha3-256'] as const;
const NOTE = Buffer.alloc(16, 7);

function named(hashName: HashName, random: Random): Block {
  const hashcode = { hashName, digest: new Uint8Array(random.bytes(hashByName(hashName).digestSize)) };
  const span = random.below(2 ** 31);
  return random.chance(50)
    ? { kind: 'hash', span, hashcode }
    : { kind: 'indirect', span, refs: { kind: 'hash', span: UNKNOWN_SPAN, hashcode } };
}

function anyRef(hashName: HashName, random: Random): Block {
  const data = new Uint8Array(random.bytes(1 + random.below(32)));
  const others: readonly Block[] = [
    { kind: 'literal', span: data.length, data },
    { kind: 'run', span: random.below(2 ** 31), octet: random.below(256) },
    { kind: 'indirect', span: 7000, refs: { kind: 'literal', span: data.length, data } },
  ];
  return random.chance(85) ? named(hashName, random) : (others[random.below(others.length)] as Block);
}

function pairs(count: number, random: Random): NamePair[] {
  return Array.from({ length: count }, () => {
    const kind = random.pick<NamePair['kind']>(['bytes', 'dir', 'state']);
    return random.chance(50)
      ? { kind, refs: [named(HASHES[0], random), anyRef(HASHES[1], random)] }
      : { kind, refs: [anyRef(HASHES[0], random), named(HASHES[1], random)] };
  });
}

function runOf(folder: string, list: readonly NamePair[]): string {
  return writeNameRun(folder, { hashes: HASHES, note: NOTE }, sortRecords(Buffer.concat(list.map(encodeNameRecord))), PRIVATE_ACCESS);
}

describe('a map of names', () => {
  it('finds each reference by either side, and no others', (t) => {
    const scratch = makeScratch(t);
    const seed = Date.now() % 2 ** 31;
    t.diagnostic(`seed ${seed}`);
    const random = makeRandom(seed);
    for (const count of [0, 1, 2, 3, 100, 5000]) {
      const list = pairs(count, random);
      using run = NameRun.open(runOf(scratch.folder, [...list, ...list.slice(0, 2)]));
      assert.equal(run.count, count, 'equal records are kept once');
      for (const { kind, refs } of list)
        for (const side of [0, 1] as const) {
          const key = keyOf(refs[side]);
          if (key === undefined) continue;
          const found = run.find(side, kind, key);
          assert.ok(found !== undefined && refs.every((ref, i) => sameBlock(ref, found.refs[i] as Block)), formatBlock(refs[side]));
          assert.equal(run.find(side, kind === 'dir' ? 'state' : 'dir', key), undefined, 'as another kind');
          assert.equal(run.find(side, kind, { ...key, form: 1 - key.form }), undefined, 'in another form');
        }
      for (const { kind, refs } of pairs(20, random)) {
        const key = keyOf(refs[0]);
        assert.equal(key === undefined ? undefined : run.find(0, kind, key), undefined);
      }
    }
  });

  it('that is cut short is refused, and a flipped bit of it gives no other name', (t) => {
    const scratch = makeScratch(t);
    const list = pairs(3, makeRandom(3));
    const path = runOf(scratch.folder, list);
    const whole = readFileSync(path);
    const key = list.map(({ refs }) => keyOf(refs[0])).find((found) => found !== undefined);
    const pair = list.find(({ refs }) => keyOf(refs[0])?.digest === key?.digest);
    assert.ok(key !== undefined && pair !== undefined);
    for (let size = 0; size < whole.length; size++) {
      writeFileSync(path, whole.subarray(0, size));
      assert.throws(() => NameRun.open(path));
    }
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      writeFileSync(path, damaged);
      let run: NameRun;
      try {
        run = NameRun.open(path);
      } catch {
        continue;
      }
      using _run = run;
      const found = run.find(0, pair.kind, key);
      assert.ok(found === undefined || sameBlock(found.refs[1], pair.refs[1]), `octet ${at}`);
    }
  });

  it('has records that every bit of is checked', () => {
    for (const pair of pairs(50, makeRandom(4))) {
      const record = encodeNameRecord(pair);
      assert.equal(record.length, NAME_RECORD_SIZE);
      const found = decodeNameRecord(record, HASHES);
      assert.ok(found?.kind === pair.kind && pair.refs.every((ref, i) => sameBlock(ref, found.refs[i] as Block)));
      for (let bit = 0; bit < record.length * 8; bit++) {
        const damaged = Buffer.from(record);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        assert.equal(decodeNameRecord(damaged, HASHES), undefined);
      }
    }
  });

  it('leads over several hash functions, is read while others are merged, and a damaged one of them names nothing', (t) => {
    const scratch = makeScratch(t);
    const random = makeRandom(5);
    const folder = join(scratch.folder, 'names');
    mkdirSync(folder);
    using names = new StoreNames(scratch.folder);
    const [sha1, sha256, sha3] = [named('sha1', random), named('sha256', random), named('sha3-256', random)];
    assert.equal(names.find('dir', sha1, 'sha3-256'), undefined);
    const write = (hashes: readonly [HashName, HashName], refs: NamePair['refs']): string =>
      writeNameRun(folder, { hashes, note: NOTE }, encodeNameRecord({ kind: 'dir', refs }), PRIVATE_ACCESS);
    write(['sha1', 'sha256'], [sha1, sha256]);
    const second = write(['sha256', 'sha3-256'], [sha256, sha3]);
    writeFileSync(join(folder, 'x.names'), 'no map');
    assert.deepEqual(names.find('dir', sha1, 'sha3-256'), sha3);
    assert.deepEqual(names.find('dir', sha3, 'sha1'), sha1);
    assert.equal(names.find('dir', sha1, 'blake3'), undefined);
    rmSync(second);
    assert.deepEqual(names.find('dir', sha1, 'sha3-256'), sha3, 'a file that is open is read on');
    using later = new StoreNames(scratch.folder);
    assert.equal(later.find('dir', sha1, 'sha3-256'), undefined);
  });
});
