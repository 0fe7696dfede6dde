import assert from 'node:assert/strict';
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { ParseError, VtError } from '../../../core/base/errors.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { SEALED_OVERHEAD } from '../../../core/block/sealed-bytes.ts';
import { openArchiveName, sealArchiveName } from '../../../core/sealed/archive-name.ts';
import type { Credential } from '../../../core/sealed/key-slots.ts';
import { formatSlots, newSlots, parseSlots, unwrapMaster, wrapMaster } from '../../../core/sealed/key-slots.ts';
import { formatKey, newKey, parseKey } from '../../../core/sealed/key-text.ts';
import { KeyedDigests } from '../../../core/sealed/keyed-digests.ts';
import { openBlock, sealBlocks } from '../../../core/sealed/seal-blocks.ts';
import { sealKeys } from '../../../core/sealed/seal-keys.ts';
import { openValue, sealValue } from '../../../core/sealed/seal-value.ts';

const MASTER = Buffer.alloc(32, 0x5a);
const keys = sealKeys(MASTER);

function hmac(key: Uint8Array, message: string | Uint8Array): Buffer {
  return createHmac('sha3-256', key).update(message).digest();
}

function sealed(data: Uint8Array): { readonly name: Uint8Array; readonly bytes: Buffer } {
  const [block] = sealBlocks(keys, [{ digest: hashByName('sha3-256').digest(data), data }]);
  assert.ok(block !== undefined);
  return { name: block.digest, bytes: Buffer.from(block.data) };
}

describe('what a sealed Store is made of', () => {
  it('the keyed digests of many are HMAC-SHA3-256, as node:crypto makes it', () => {
    const key = randomBytes(32);
    const messages = randomBytes(32 * 5000);
    const found = new KeyedDigests(key).many(messages);
    for (let at = 0; at < messages.length; at += 32 * 97)
      assert.deepEqual(found.subarray(at, at + 32), hmac(key, messages.subarray(at, at + 32)));
  });

  it('a sealed Block has the octets that vt(5) tells', () => {
    const data = Buffer.from('Dear reader');
    const { name, bytes } = sealed(data);
    const expectedName = hmac(hmac(MASTER, 'vtftp sealed 1: names'), hashByName('sha3-256').digest(data));
    const key = hmac(hmac(MASTER, 'vtftp sealed 1: contents'), expectedName);
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
    const head = Buffer.concat([expectedName, Buffer.of(1, 1)]);
    cipher.setAAD(head);
    const body = Buffer.concat([head, cipher.update(data), cipher.final(), cipher.getAuthTag()]);
    const check = Buffer.alloc(4);
    check.writeUInt32LE(crc32(body));
    assert.deepEqual(Buffer.from(name), expectedName);
    assert.deepEqual(bytes, Buffer.concat([body, check]));
    assert.equal(bytes.length, data.length + SEALED_OVERHEAD);
    // Of this master key for ever: what was sealed once is opened by every later version.
    assert.equal(expectedName.toString('hex'), '839045e86a3fafd4089767f3f5dfd5dbb079b65a429287f58040f2709138d67c');
    assert.equal(bytes.subarray(32).toString('hex'), '0101a53a807abb894b117e5c3d8be213bc65c21161dcdf55eee39e18eae38d603b');
  });

  it('its digest is its name, which needs no key; every flipped bit and every cut changes that, and does not open', () => {
    const { name, bytes } = sealed(Buffer.from('a letter '.repeat(9)));
    const hash = hashByName('sealed');
    assert.deepEqual(Buffer.from(hash.digest(bytes)), Buffer.from(name));
    assert.ok(openBlock(keys, name, bytes) !== undefined);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.notDeepEqual(Buffer.from(hash.digest(flipped)), Buffer.from(name), `bit ${bit}`);
      assert.equal(openBlock(keys, name, flipped), undefined, `bit ${bit}`);
    }
    for (let size = 0; size < bytes.length; size++) assert.equal(openBlock(keys, name, bytes.subarray(0, size)), undefined);
  });

  it('who can make the check but has no key makes nothing that opens', () => {
    const { name, bytes } = sealed(Buffer.from('pay 10 to Ann'));
    for (let at = 34; at < bytes.length - 4; at++) {
      const forged = Buffer.from(bytes);
      forged[at] = (forged[at] as number) ^ 1;
      forged.writeUInt32LE(crc32(forged.subarray(0, -4)), forged.length - 4);
      assert.deepEqual(Buffer.from(hashByName('sealed').digest(forged)), Buffer.from(name));
      assert.equal(openBlock(keys, name, forged), undefined);
    }
    const other = sealed(Buffer.from('pay 99 to Bob'));
    const renamed = Buffer.concat([name, other.bytes.subarray(32)]);
    renamed.writeUInt32LE(crc32(renamed.subarray(0, -4)), renamed.length - 4);
    assert.equal(openBlock(keys, name, renamed), undefined);
  });

  it('equal contents have one name and the same octets under one key, and nothing in common under two', () => {
    const data = randomBytes(5000);
    const digest = hashByName('sha3-256').digest(data);
    const again = sealBlocks(sealKeys(MASTER), [{ digest, data }])[0];
    assert.deepEqual(Buffer.from(again?.data ?? []), sealed(data).bytes);
    const other = Buffer.from(sealBlocks(sealKeys(randomBytes(32)), [{ digest, data }])[0]?.data ?? []);
    for (let at = 0; at + 8 <= data.length; at += 8)
      assert.ok(!other.includes(sealed(data).bytes.subarray(at === 32 ? 40 : at, (at === 32 ? 40 : at) + 8)), `at ${at}`);
  });

  it('a value opens for its place and key alone', () => {
    const [key, value] = [randomBytes(32), Buffer.from('value')];
    const octets = sealValue(key, 'here', value);
    assert.deepEqual(openValue(key, 'here', octets), value);
    assert.equal(openValue(key, 'there', octets), undefined);
    assert.equal(openValue(randomBytes(32), 'here', octets), undefined);
    for (let size = 0; size < octets.length; size++) assert.equal(openValue(key, 'here', octets.subarray(0, size)), undefined);
  });

  it('the name of an archive comes back, is always sealed to the same, and is a name of a file', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), (text) => {
        const name = text.replaceAll('\0', '');
        fc.pre(name !== '' && name.isWellFormed());
        const kept = sealArchiveName(keys, name);
        assert.equal(sealArchiveName(keys, name), kept);
        assert.match(kept, /^[a-z2-7]{45,250}$/);
        assert.equal(openArchiveName(keys, kept), name);
        assert.equal(openArchiveName(sealKeys(randomBytes(32)), kept), undefined);
      }),
    );
    assert.equal(sealArchiveName(keys, 'x'.repeat(128)).length, 250);
    assert.throws(() => sealArchiveName(keys, 'x'.repeat(129)), VtError);
    for (const text of ['keys', '', 'default', 'a'.repeat(80)]) assert.equal(openArchiveName(keys, text), undefined);
  });
});

describe('a key as text', () => {
  it('comes back, also typed in capitals, with other spaces, and with lines around it', () => {
    const key = newKey();
    const text = formatKey(key);
    assert.deepEqual(parseKey(text), key);
    const typed = text.toUpperCase().replaceAll(/ +/g, '   ').replaceAll('\n', '\r\n\r\n');
    assert.deepEqual(parseKey(`My key:\n${typed}\nin the safe`), key);
    assert.equal(text, formatKey(parseKey(text)));
  });

  it('a wrong digit, lines that are swapped and a line that is missing are told by their line', () => {
    const text = formatKey(Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)));
    const lines = text.split('\n');
    for (let row = 1; row <= 8; row++) {
      const line = lines[row] as string;
      for (let at = 3; at < line.length; at++) {
        if (line[at] === ' ') continue;
        const changed = [...lines];
        changed[row] = `${line.slice(0, at)}${line[at] === '0' ? '1' : '0'}${line.slice(at + 1)}`;
        assert.throws(() => parseKey(changed.join('\n')), new RegExp(`line ${row} is wrong`));
      }
      assert.throws(() => parseKey(lines.toSpliced(row, 1).join('\n')), new RegExp(`line ${row} should be`));
    }
    assert.throws(() => parseKey('ssh-ed25519 AAAA'), ParseError);
  });
});

describe('the keys of a Store', () => {
  const options = { nowSeconds: 1_800_000_000, cost: 2 ** 4 };
  const file: Credential = { kind: 'key', key: newKey() };
  const passphrase: Credential = { kind: 'passphrase', passphrase: 'correct horse é' };

  it('each of several opens the same master key, and another does not', async () => {
    const made = await newSlots(file, 'sha256', options);
    const master = await unwrapMaster(made, file);
    assert.ok(master !== undefined);
    const both = { ...made, slots: [...made.slots, await wrapMaster(master, passphrase, 'sha256', options)] };
    const read = parseSlots(formatSlots(both));
    assert.deepEqual(read, both);
    for (const credential of [file, passphrase]) assert.deepEqual(await unwrapMaster(read, credential), master);
    // As typed on another keyboard.
    assert.deepEqual(await unwrapMaster(read, { kind: 'passphrase', passphrase: 'correct horse e\u0301' }), master);
    assert.equal(await unwrapMaster(read, { kind: 'passphrase', passphrase: 'wrong' }), undefined);
    assert.equal(await unwrapMaster(read, { kind: 'key', key: newKey() }), undefined);
    assert.equal(await unwrapMaster({ ...read, slots: read.slots.slice(1) }, file), undefined);
  });

  it('what is said of the hash function or of a key cannot be changed', async () => {
    const made = await newSlots(file, 'sha256', options);
    const isDamage = (error: unknown): boolean => error instanceof VtError && error.code === 'ECORRUPT';
    await assert.rejects(unwrapMaster({ ...made, hashName: 'blake3' }, file), isDamage);
    const [slot] = made.slots;
    assert.ok(slot !== undefined);
    await assert.rejects(unwrapMaster({ ...made, slots: [{ ...slot, wrapped: `AAAA${slot.wrapped.slice(4)}` }] }, file), isDamage);
  });

  it('what makes no sense, or would cost too much, is refused', async () => {
    const text = formatSlots(await newSlots(passphrase, 'sha3-256', options));
    for (const [from, to] of [
      ['"version":1', '"version":"1"'],
      ['"hash":"sha3-256"', '"hash":"sealed"'],
      ['"cost":16', '"cost":4194304'],
      ['"cost":16', '"cost":15'],
      ['"kind":"passphrase"', '"kind":"word"'],
      ['"keys":[', '"keys":[null,'],
    ] as const) {
      assert.ok(text.includes(from), from);
      assert.throws(() => parseSlots(text.replace(from, to)), ParseError, to);
    }
    for (let size = 0; size < text.length; size++) assert.throws(() => parseSlots(text.slice(0, size)), ParseError);
    assert.throws(() => parseSlots(text.replace('"version":1', '"version":2')), /later vtftp|newer/);
  });
});
